// The stop of the books: no new requests, those that are there are finished, then the end
const server = require("http").createServer((req, res) => {
	if (req.url === "/slow") setTimeout(() => res.end("finished"), 1000);
	else res.end("up");
});
server.listen(process.env.PORT);
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => server.close(() => (console.log("closed"), process.exit(0))));
