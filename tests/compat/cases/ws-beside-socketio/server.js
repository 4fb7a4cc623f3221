// Two WebSocket servers at one port, told apart by path
const { Server } = require("socket.io");
const { WebSocketServer } = require("ws");

const server = require("http").createServer((req, res) => res.end("up"));
const io = new Server(server, { destroyUpgrade: false });
const ws = new WebSocketServer({ noServer: true });
server.on("upgrade", (req, socket, head) => {
	if (req.url === "/live") ws.handleUpgrade(req, socket, head, (client) => client.send("live"));
});
io.on("connection", (socket) => socket.emit("hello"));
server.listen(process.env.PORT);
