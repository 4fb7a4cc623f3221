// The plugin as its README uses it, at 0.0.0.0 as Fastify wants it in containers.
const fastify = require("fastify")();
const { createAdapter } = require("@socket.io/cluster-adapter");

fastify.register(require("fastify-socket.io"), process.send ? { adapter: createAdapter() } : {});
fastify.get("/pid", async () => process.pid);
fastify.ready().then(() => {
	fastify.io.on("connection", (socket) => {
		socket.on("pid", (done) => done(process.pid));
		socket.on("all", (text) => fastify.io.emit("all", text));
	});
});
fastify.listen({ port: Number(process.env.PORT), host: "0.0.0.0" });
