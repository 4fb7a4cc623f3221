const assert = require("node:assert");

module.exports = {
	title: "closes its server and listens again at the same port",
	kind: "listen",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.workersThat(async () => {
			const { status, body } = await host.get();
			assert.strictEqual(status, 200);
			return body;
		});
	},
};
