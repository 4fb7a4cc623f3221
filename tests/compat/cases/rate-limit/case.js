const assert = require("node:assert");

module.exports = {
	title: "express-rate-limit counts by the client's address, without complaint",
	kind: "address",
	app: "server.js",
	needs: ["express", "express-rate-limit"],
	async check(host) {
		await host.answers();
		assert.strictEqual((await host.get("/", { localAddress: "127.0.0.9" })).body, "127.0.0.9");
		assert.doesNotMatch(host.out + host.err, /ValidationError/);
	},
};
