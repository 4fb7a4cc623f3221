const { feathers } = require("@feathersjs/feathers");
const { koa, rest, bodyParser, errorHandler } = require("@feathersjs/koa");
const socketio = require("@feathersjs/socketio");
const { createAdapter } = require("@socket.io/cluster-adapter");

const app = koa(feathers());
app.use(errorHandler());
app.use(bodyParser());
app.configure(rest());
app.configure(socketio((io) => {
	if (process.send) io.adapter(createAdapter());
	io.on("connection", (socket) => {
		socket.on("pid", (done) => done(process.pid));
		socket.on("all", (text) => io.emit("all", text));
	});
}));
app.use("pid", { find: async () => process.pid });
app.listen(Number(process.env.PORT));
