const assert = require("node:assert");

module.exports = {
	title: "asks `cluster` who it is, and NODE_APP_INSTANCE which",
	kind: "channel",
	fast: true,
	app: "server.js",
	hosts: { node: null },
	async check(host) {
		await host.answers();
		const seen = (await host.workersThat()).map(JSON.parse);
		for (const { isPrimary, isMaster, isWorker, connected } of seen) assert.deepStrictEqual({ isPrimary, isMaster, isWorker, connected }, { isPrimary: false, isMaster: false, isWorker: true, connected: true });
		assert.strictEqual(new Set(seen.map(({ id }) => id)).size, 2);
		assert.deepStrictEqual(seen.map(({ instance }) => instance).sort(), ["0", "1"]);
	},
};
