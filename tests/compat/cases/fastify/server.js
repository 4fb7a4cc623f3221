// Fastify 5 with Socket.IO at its server, and its own close() at SIGTERM.
const fastify = require("fastify")({ forceCloseConnections: true });
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");

fastify.get("/pid", async () => process.pid);
const io = new Server(fastify.server);
if (process.send) io.adapter(createAdapter());
io.on("connection", (socket) => {
	socket.on("pid", (done) => done(process.pid));
	socket.on("all", (text) => io.emit("all", text));
});
fastify.addHook("preClose", async () => void io.engine.close());
fastify.listen({ port: Number(process.env.PORT) });
process.once("SIGTERM", () => fastify.close().then(() => process.exit(0)));
