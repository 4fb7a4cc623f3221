// Binds without Node's cluster and with SO_REUSEPORT, which is what uWebSockets.js does.
const { createServer } = require("http");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");

const server = createServer((req, res) => res.end(String(process.pid)));
const io = new Server(server);
if (process.send) io.adapter(createAdapter());
io.on("connection", (socket) => {
	socket.on("pid", (done) => done(process.pid));
	socket.on("all", (text) => io.emit("all", text));
});
server.listen({ port: Number(process.env.PORT), reusePort: true });
