const { Server } = require("socket.io");

const server = require("http").createServer((req, res) => (io.emit("news", req.url), res.end("told")));
const io = new Server(server, { connectionStateRecovery: {} });
io.on("connection", (socket) => socket.on("recovered", (tell) => tell(socket.recovered)));
server.listen(process.env.PORT);
