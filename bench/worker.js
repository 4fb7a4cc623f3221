// The app that every peer serves: unmodified Socket.IO, with what the load generator asks for.
// STYLE=sticky: setupWorker(), for a primary that passes sockets. Otherwise it listens on PORT.
const cluster = require("cluster");
const http = require("http");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");
const { setupWorker } = require("@socket.io/sticky");

const payloads = {
	100: "x".repeat(100),
	10240: Array.from({ length: 244 }, (_, i) => ({ id: i, name: `item ${i}`, value: i * 3.5 + 1000 })),
	binary: Buffer.alloc(10240, "b"),
};

// `drain` comes when a poll has been answered: the next one finds a packet waiting
function keepFull(socket) {
	const send = () => socket.emit("tick", 1);
	socket.conn.on("drain", send);
	send();
}

function onConnection(io, socket) {
	socket.on("fill", () => keepFull(socket));
	socket.on("echo", (text) => socket.emit("echo", text));
	socket.on("all", (payload) => io.emit("all", payloads[payload]));
	socket.on("length", (text, done) => done(text.length));
}

const httpServer = http.createServer((req, res) => {
	res.setHeader("Worker", process.pid);
	res.end("ok");
});
const io = new Server(httpServer, { maxHttpBufferSize: 4e6 });
io.on("connection", (socket) => onConnection(io, socket));
io.engine.on("headers", (headers) => (headers.Worker = process.pid));

if (cluster.isWorker)
	io.adapter(createAdapter());
if (process.env.STYLE === "sticky")
	setupWorker(io);
else
	httpServer.listen(process.env.PORT);
