// A custom server around the handler of adapter-node, as its documentation has it.
import { createServer } from "http";
import { Server } from "socket.io";
import { createAdapter } from "@socket.io/cluster-adapter";
import { handler } from "./build/handler.js";

const server = createServer(handler);
const io = new Server(server);
if (process.send) io.adapter(createAdapter());
io.on("connection", (socket) => {
	socket.on("pid", (done) => done(process.pid));
	socket.on("all", (text) => io.emit("all", text));
});
server.listen(process.env.PORT);
