const assert = require("node:assert");

module.exports = {
	title: "`wait_ready`: nobody gets to a worker that has not said \"ready\"",
	kind: "pm2",
	fast: true,
	app: "ecosystem.config.js",
	hosts: { node: null },
	async check(host) {
		await host.answers();
		for (let i = 0; i < 6; i++) assert.strictEqual((await host.get()).body, "warm");
	},
	differs: { pm2: "clients get to workers that are not ready" },
};
