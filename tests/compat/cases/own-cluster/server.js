// A fork loop of its own, and its own answer to `docker stop`
const cluster = require("cluster");
const http = require("http");

if (cluster.isPrimary) {
	for (let i = 0; i < 2; i++) cluster.fork();
	process.on("SIGTERM", () => process.exit(0));
} else http.createServer((req, res) => res.end(String(process.pid))).listen(process.env.PORT);
