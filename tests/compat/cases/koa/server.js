const Koa = require("koa");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");

const app = new Koa();
app.use((ctx) => {
	if (ctx.path === "/pid") ctx.body = JSON.stringify(process.pid);
});
const io = new Server(app.listen(process.env.PORT));
if (process.send) io.adapter(createAdapter());
io.on("connection", (socket) => {
	socket.on("pid", (done) => done(process.pid));
	socket.on("all", (text) => io.emit("all", text));
});
