const assert = require("node:assert");

module.exports = {
	title: "`env_production` by `--env production`",
	kind: "pm2",
	app: "ecosystem.config.js",
	hosts: { sioinit: { args: () => ["ecosystem.config.js", "--env", "production"] }, pm2: { args: ({ pm2 }) => [pm2, "ecosystem.config.js", "--env", "production"] }, node: null },
	async check(host) {
		await host.answers();
		assert.strictEqual((await host.get()).body, "production local");
	},
};
