// Answers with what a test wants to know about the worker, and has Socket.IO.
const http = require("http");
const { Server } = require("socket.io");

const server = http.createServer((req, res) => {
	res.end(JSON.stringify({ pid: process.pid, slot: process.env.SIOINIT_SLOT, uid: process.getuid(), from: req.socket.remoteAddress, env: Object.keys(process.env) }));
});
new Server(server);
server.listen(process.env.PORT);
