const { serve } = require("@hono/node-server");
const { Hono } = require("hono");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");

const app = new Hono();
app.get("/pid", (c) => c.json(process.pid));
const io = new Server(serve({ fetch: app.fetch, port: Number(process.env.PORT) }));
if (process.send) io.adapter(createAdapter());
io.on("connection", (socket) => {
	socket.on("pid", (done) => done(process.pid));
	socket.on("all", (text) => io.emit("all", text));
});
