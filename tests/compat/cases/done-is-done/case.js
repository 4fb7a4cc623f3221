const assert = require("node:assert");

module.exports = {
	title: "`autorestart: false`: runs once, and that is the end, code 0",
	kind: "pm2",
	fast: true,
	app: "ecosystem.config.js",
	hosts: { node: null },
	async check(host) {
		assert.strictEqual(await host.ended, 0);
		assert.strictEqual(host.out.match(/migrated/g)?.length, 1);
	},
};
