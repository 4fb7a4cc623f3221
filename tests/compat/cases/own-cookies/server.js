const { Server } = require("socket.io");

const server = require("http").createServer((req, res) => res.end("up"));
const io = new Server(server, { cookie: { name: "io", sameSite: "lax" }, cors: { origin: "https://shop.example", credentials: true } });
io.on("connection", (socket) => socket.emit("cookie", socket.request.headers.cookie ?? ""));
server.listen(process.env.PORT);
