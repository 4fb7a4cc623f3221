const assert = require("node:assert");

module.exports = {
	title: "listens at 127.0.0.1 alone: others do not get in",
	kind: "listen",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		await assert.rejects(host.get("/", { host: "127.0.0.2", timeout: 1000 }), /ECONNREFUSED/, "127.0.0.2 answers, too");
	},
	differs: { sioinit: { why: "the public port is open at every address", says: /listens at 127\.0\.0\.1 alone, but everybody reaches the public port/ } },
};
