// A worker as under @socket.io/pm2, or forked by @socket.io/sticky: no listen(), nothing about sioinit. Where REDIS_URL names a
// Redis, the workers of several containers are one chat; those of one container need none.
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
io.adapter(process.env.REDIS_URL ? redisAdapter(process.env.REDIS_URL) : createAdapter());
setupWorker(io);

function redisAdapter(url) {
	const { createClient } = require("redis");
	const clients = [createClient({ url }), createClient({ url })];
	for (const client of clients) client.on("error", (err) => console.error("Redis:", err.message)).connect();
	return require("@socket.io/redis-adapter").createAdapter(...clients);
}

const worker = process.env.NODE_APP_INSTANCE || "0";
const clean = (text, max) => (typeof text === "string" ? text.trim().slice(0, max) : "");
const showPeople = () => io.fetchSockets().then((all) => io.emit("people", all.map((s) => s.data)), console.error);

io.on("connection", (socket) => {
	socket.data = { id: socket.id, name: clean(socket.handshake.auth.name, 24) || "Guest", worker };
	socket.emit("worker", worker);
	socket.on("name", (name) => {
		socket.data.name = clean(name, 24) || "Guest";
		showPeople();
	});
	socket.on("message", (text) => clean(text, 500) && io.emit("message", { ...socket.data, text: clean(text, 500), at: Date.now() }));
	socket.on("disconnect", showPeople);
	showPeople();
});
