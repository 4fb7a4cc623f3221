const assert = require("node:assert");

module.exports = {
	title: "dies of an unhandled rejection: its stack is logged, another takes over",
	kind: "operations",
	fast: true,
	app: "server.js",
	hosts: { node: null },
	async check(host) {
		const before = await host.workersThat();
		const { body } = await host.get("/crash");
		await host.says(/Error: nobody handles it\n\s+at /);
		const after = new Set();
		await host.until(async () => after.add((await host.get()).body).size >= 2 && [...after].some((pid) => !before.includes(pid)), "another worker");
		assert.ok(before.includes(body));
	},
};
