// The app in the picture of the dashboard: a chat with a few pages, some slow, some wrong.
const { createServer } = require("http");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");
const { setupWorker } = require("@socket.io/sticky");

const compute = (ms) => {
	for (const end = Date.now() + ms; Date.now() < end; );
};
const pages = {
	"/page": (res, ms) => setTimeout(() => res.end("a page\n"), ms),
	"/report": (res, ms) => res.end(`a report\n${compute(ms) ?? ""}`),
	"/moved": (res) => res.writeHead(302, { location: "/page" }).end(),
	"/nowhere": (res) => res.writeHead(404).end(),
	"/wrong": (res) => res.writeHead(500).end(),
	"/bug": () => process.exit(1),
};
const server = createServer((req, res) => {
	const { pathname, searchParams } = new URL(req.url, "http://chat");
	if (pages[pathname]) pages[pathname](res, Number(searchParams.get("ms")));
});
const io = new Server(server);
io.adapter(createAdapter());
setupWorker(io);
io.on("connection", (socket) => socket.on("chat", (text) => io.emit("chat", text)));
server.listen(process.env.PORT || 3000);
