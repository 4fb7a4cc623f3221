const assert = require("node:assert");

module.exports = {
	title: "what is logged just before process.exit(), and in the exit event",
	kind: "logs",
	fast: true,
	app: "server.js",
	workers: 1,
	async check(host) {
		await host.answers();
		await host.says(/exit 3/);
		await host.says(/last error/);
		assert.strictEqual(host.out.match(/^last \d+$/gm).length % 2000, 0);
	},
};
