const { createAdapter } = require("@socket.io/cluster-adapter");
const { Server } = require("socket.io");

const server = require("http").createServer((req, res) => res.end(String(process.pid)));
const io = new Server(server, { adapter: createAdapter() });
io.on("connection", (socket) => socket.on("all", () => io.emit("all")));
server.listen(process.env.PORT);
