// Answers with what a test wants to know about the worker.
const http = require("http");
http.createServer((req, res) => {
	res.end(JSON.stringify({ pid: process.pid, slot: process.env.SIOINIT_SLOT, uid: process.getuid(), env: Object.keys(process.env) }));
}).listen(process.env.PORT);
