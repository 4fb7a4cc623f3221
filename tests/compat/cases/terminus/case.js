const assert = require("node:assert");

module.exports = {
	title: "@godaddy/terminus: health check, and its clean-up at the stop",
	kind: "stop",
	app: "server.js",
	needs: ["@godaddy/terminus"],
	async check(host) {
		await host.answers("/health");
		await host.workersThat();
		assert.match((await host.get("/health")).body, /"status":"ok"/);
		await host.stop();
		assert.strictEqual(host.out.match(/cleaned up/g)?.length, host.workers);
	},
};
