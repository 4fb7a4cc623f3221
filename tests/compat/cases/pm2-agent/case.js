const assert = require("node:assert");

module.exports = {
	title: "@pm2/io in the app: metrics and actions harm nothing",
	kind: "pm2",
	app: "server.js",
	needs: ["@pm2/io"],
	async check(host) {
		await host.answers();
		for (let i = 0; i < 10; i++) assert.strictEqual((await host.get()).body, "up");
		assert.doesNotMatch(host.err, /Error/);
	},
};
