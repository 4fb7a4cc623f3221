const assert = require("node:assert");

module.exports = {
	title: "`shutdown_with_message`: the stop is process.on(\"message\")",
	kind: "pm2",
	app: "ecosystem.config.js",
	hosts: { node: null },
	async check(host) {
		await host.answers();
		await host.stop();
		assert.strictEqual(host.out.match(/saved/g)?.length, 2);
	},
};
