// A custom server, as Next's and Socket.IO's documentation have it.
const { createServer } = require("http");
const next = require("next");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");

const port = Number(process.env.PORT);
const app = next({ dev: false, hostname: "localhost", port });
app.prepare().then(() => {
	const server = createServer(app.getRequestHandler());
	const io = new Server(server);
	if (process.send) io.adapter(createAdapter());
	io.on("connection", (socket) => {
		socket.on("pid", (done) => done(process.pid));
		socket.on("all", (text) => io.emit("all", text));
	});
	server.listen(port);
});
