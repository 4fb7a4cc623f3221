const server = require("http").createServer((req, res) => res.end("up"));
server.listen(process.env.PORT);
process.on("message", (word) => {
	if (word === "shutdown") setTimeout(() => (console.log("saved"), process.exit(0)), 300);
});
