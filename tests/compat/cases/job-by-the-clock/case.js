const assert = require("node:assert");

module.exports = {
	title: "node-cron on NODE_APP_INSTANCE 0 alone",
	kind: "operations",
	app: "server.js",
	needs: ["node-cron"],
	async check(host) {
		await host.workersThat();
		await host.says(/tick\s+tick\s+tick/s, 6000);
		const before = host.out.match(/tick/g).length;
		await new Promise((resolve) => setTimeout(resolve, 3000));
		const ticks = host.out.match(/tick/g).length - before;
		assert.ok(ticks >= 2 && ticks <= 4, `${ticks} ticks in 3 s`);
	},
};
