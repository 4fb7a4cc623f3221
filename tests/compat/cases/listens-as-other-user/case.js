const assert = require("node:assert");

module.exports = {
	title: "gives up root by itself once it listens (process.setuid)",
	kind: "operations",
	app: "server.js",
	workers: 1,
	async check(host) {
		await host.answers();
		await host.until(async () => !/uid 0/.test((await host.get()).body), "another user");
		assert.strictEqual((await host.get()).status, 200);
	},
};
