const assert = require("node:assert");

module.exports = {
	title: "throng, which forks workers of its own",
	kind: "channel",
	app: "server.js",
	needs: ["throng"],
	async check(host) {
		await host.answers();
		assert.strictEqual((await host.get()).status, 200);
		assert.strictEqual(await host.stop(), 0);
	},
};
