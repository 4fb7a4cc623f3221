import app from "@adonisjs/core/services/app";
import server from "@adonisjs/core/services/server";
import { createAdapter } from "@socket.io/cluster-adapter";
import { Server } from "socket.io";

app.ready(() => {
	const io = new Server(server.getNodeServer());
	if (process.send) io.adapter(createAdapter());
	io.on("connection", (socket) => {
		socket.on("pid", (done) => done(process.pid));
		socket.on("all", (text) => io.emit("all", text));
	});
	app.terminating(() => io.close());
});
