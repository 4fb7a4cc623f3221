const { Server } = require("socket.io");

const server = require("http").createServer((req, res) => res.end(String(process.pid)));
const io = new Server(server);
server.listen(process.env.PORT);
const stop = () => {
	io.emit("shutting_down", { retryIn: 3000 });
	setTimeout(() => io.close(() => process.exit(0)), 500);
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
