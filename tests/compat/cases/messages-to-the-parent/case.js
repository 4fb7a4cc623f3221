const assert = require("node:assert");

module.exports = {
	title: "process.send() of anything: nothing comes back, nothing breaks",
	kind: "channel",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		for (let i = 0; i < 20; i++) assert.strictEqual((await host.get()).body, "told");
		assert.doesNotMatch(host.out, /parent is gone/);
	},
};
