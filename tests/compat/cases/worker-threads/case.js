const assert = require("node:assert");

module.exports = {
	title: "worker_threads",
	kind: "channel",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		assert.strictEqual((await host.get()).body, "42");
	},
};
