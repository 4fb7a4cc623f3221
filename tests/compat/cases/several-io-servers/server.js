const { createAdapter } = require("@socket.io/cluster-adapter");
const { Server } = require("socket.io");

const server = require("http").createServer((req, res) => res.end(String(process.pid)));
for (const path of ["/chat/ws/", "/admin/"]) {
	const io = new Server(server, { path, adapter: createAdapter() });
	for (const name of ["/", "/room"]) io.of(name).on("connection", (socket) => socket.on("all", () => io.of(name).emit("all")));
}
server.listen(process.env.PORT);
