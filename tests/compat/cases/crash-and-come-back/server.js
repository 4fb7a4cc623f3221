require("http").createServer((req, res) => {
	res.end(String(process.pid));
	if (req.url === "/crash") setImmediate(() => Promise.reject(new Error("nobody handles it")));
}).listen(process.env.PORT);
