const throng = require("throng");

throng({
	count: 2,
	worker(id, disconnect) {
		require("http").createServer((req, res) => res.end(String(process.pid))).listen(process.env.PORT);
		process.once("SIGTERM", () => disconnect());
	},
});
