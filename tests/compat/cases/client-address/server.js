const { Server } = require("socket.io");

const server = require("http").createServer((req, res) => res.end(req.socket.remoteAddress));
new Server(server).on("connection", (socket) => socket.on("address", (tell) => tell(socket.handshake.address)));
server.listen(process.env.PORT, "0.0.0.0");
