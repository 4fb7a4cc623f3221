const { Server } = require("socket.io");

const server = require("https").createServer({ key: process.env.KEY, cert: process.env.CERT }, (req, res) => res.end("tls"));
new Server(server).on("connection", (socket) => socket.on("hello", () => socket.emit("hello")));
server.listen(process.env.PORT);
