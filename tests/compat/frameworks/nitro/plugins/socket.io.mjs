// As Socket.IO's documentation has it for Nuxt.
import { createAdapter } from "@socket.io/cluster-adapter";
import { Server as Engine } from "engine.io";
import { defineEventHandler } from "h3";
import { defineNitroPlugin } from "nitropack/runtime";
import { Server } from "socket.io";

export default defineNitroPlugin((nitroApp) => {
	const engine = new Engine();
	const io = new Server();
	io.bind(engine);
	if (process.send) io.adapter(createAdapter());
	io.on("connection", (socket) => {
		socket.on("pid", (done) => done(process.pid));
		socket.on("all", (text) => io.emit("all", text));
	});
	nitroApp.router.use("/socket.io/", defineEventHandler({
		handler(event) {
			engine.handleRequest(event.node.req, event.node.res);
			event._handled = true;
		},
		websocket: {
			open(peer) {
				engine.prepare(peer._internal.nodeReq);
				engine.onWebSocket(peer._internal.nodeReq, peer._internal.nodeReq.socket, peer.websocket);
			},
		},
	}));
});
