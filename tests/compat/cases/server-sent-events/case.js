const assert = require("node:assert");
const http = require("http");
const { once } = require("events");

module.exports = {
	title: "server-sent events: the first one comes at once, and the app hears who leaves",
	kind: "address",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers("/count");
		const open = await Promise.all(Array.from({ length: 6 }, async () => {
			const req = http.get({ host: "127.0.0.1", port: host.port, path: "/events", agent: false });
			const [res] = await once(req, "response");
			assert.strictEqual(String((await once(res, "data"))[0]), "data: first\n\n");
			return req.on("error", () => {});
		}));
		for (const req of open) req.destroy();
		const counts = new Map();
		await host.until(async () => {
			const [pid, n] = (await host.get("/count")).body.split(" ");
			counts.set(pid, n);
			return counts.size === host.workers && [...counts.values()].every((count) => count === "0");
		}, "no listeners left");
	},
};
