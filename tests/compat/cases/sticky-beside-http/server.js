// As for @socket.io/pm2: Socket.IO by setupWorker() at PM2_PORT, the web app at a port of its own
const http = require("http");
const { createAdapter } = require("@socket.io/cluster-adapter");
const { setupWorker } = require("@socket.io/sticky");
const { Server } = require("socket.io");

const io = new Server(http.createServer());
io.adapter(createAdapter());
setupWorker(io);
http.createServer((req, res) => (io.emit("tell"), res.end(`web ${process.pid}`))).listen(process.env.HTTP_PORT);
