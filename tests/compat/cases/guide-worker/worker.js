// The worker of Socket.IO's guide to PM2
const { createServer } = require("http");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");
const { setupWorker } = require("@socket.io/sticky");

const io = new Server(createServer());
io.adapter(createAdapter());
setupWorker(io);
io.on("connection", (socket) => socket.on("all", () => io.emit("all")));
