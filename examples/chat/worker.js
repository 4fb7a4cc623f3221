// The worker of Socket.IO's PM2 guide, with a page: no listen(), nothing about sioinit.
const fs = require("fs");
const http = require("http");
const path = require("path");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");
const { setupWorker } = require("@socket.io/sticky");

const page = fs.readFileSync(path.join(__dirname, "index.html"));
const httpServer = http.createServer((req, res) => {
	res.setHeader("Content-Type", "text/html; charset=utf-8");
	res.end(page);
});
const io = new Server(httpServer);
io.adapter(createAdapter());
setupWorker(io);

const worker = process.env.NODE_APP_INSTANCE || "0";
io.on("connection", (socket) => {
	socket.emit("worker", worker);
	socket.on("message", (text) => io.emit("message", { text: String(text).slice(0, 500), worker }));
});
