// Looks for a free port and gives it to a child, as those do that run a browser or a language server.
const { fork } = require("child_process");
const http = require("http");
const net = require("net");

function freePort(use) {
	const probe = net.createServer().listen(0, () => {
		const { port } = probe.address();
		probe.close(() => use(port));
	});
}

const server = http.createServer((req, res) => freePort((port) => {
	const child = fork("child.js", [port]);
	child.once("message", (word) => (child.kill(), res.end(word)));
}));
server.listen(process.env.PORT);
