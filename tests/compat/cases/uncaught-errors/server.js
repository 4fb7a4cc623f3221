process.on("uncaughtException", (err) => console.log(`caught ${err.message}`));
require("http").createServer((req, res) => {
	res.end(String(process.pid));
	if (req.url === "/throw") throw new Error("one");
	if (req.url === "/reject") Promise.reject(new Error("two"));
}).listen(process.env.PORT);
