// Socket.IO on Bun's own server, by its engine; by the http module it is as in cases of Node.
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { createAdapter } from "@socket.io/cluster-adapter";

const io = new Server();
const engine = new Engine({ path: "/socket.io/", maxHttpBufferSize: 1e6 });
io.bind(engine);
if (process.send) io.adapter(createAdapter());
io.on("connection", (socket) => {
	socket.on("pid", (done) => done(process.pid));
	socket.on("all", (text) => io.emit("all", text));
});

const { fetch, ...handler } = engine.handler();
export default {
	...handler,
	port: process.env.PORT,
	fetch: (req, server) => (new URL(req.url).pathname === "/pid" ? Response.json(process.pid) : fetch(req, server)),
};
