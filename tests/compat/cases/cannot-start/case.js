const assert = require("node:assert");

module.exports = {
	title: "ends with 78 at its start: the container ends with 78",
	kind: "operations",
	fast: true,
	app: "server.js",
	async check(host) {
		assert.strictEqual(await host.ended, 78);
		assert.match(host.err, /DATABASE_URL is not set/);
	},
	differs: { pm2: "16 starts, then 0 or 2" },
};
