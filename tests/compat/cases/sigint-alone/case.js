const assert = require("node:assert");

module.exports = {
	title: "cleans up on SIGINT alone, as pm2 documents it",
	kind: "stop",
	app: "ecosystem.config.js",
	hosts: { node: null },
	async check(host) {
		await host.answers();
		await host.stop();
		assert.strictEqual(host.out.match(/database is closed/g)?.length, 2);
	},
};
