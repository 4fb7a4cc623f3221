const Hapi = require("@hapi/hapi");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");

const server = Hapi.server({ port: process.env.PORT });
server.route({ method: "GET", path: "/pid", handler: () => process.pid });
const io = new Server(server.listener);
if (process.send) io.adapter(createAdapter());
io.on("connection", (socket) => {
	socket.on("pid", (done) => done(process.pid));
	socket.on("all", (text) => io.emit("all", text));
});
server.start();
