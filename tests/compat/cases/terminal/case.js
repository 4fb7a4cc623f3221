const assert = require("node:assert");

module.exports = {
	title: "sees that there is no terminal",
	kind: "logs",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		assert.strictEqual((await host.get()).body, "[null,null,null]");
	},
};
