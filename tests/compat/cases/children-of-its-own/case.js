const assert = require("node:assert");

module.exports = {
	title: "forks a child with a channel of its own, and runs a plain one",
	kind: "channel",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		for (let i = 0; i < 4; i++) assert.strictEqual((await host.get()).body.trim(), "42 false true");
	},
};
