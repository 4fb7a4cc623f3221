const assert = require("node:assert");

module.exports = {
	title: "takes cookies of 40 kB by node_args --max-http-header-size",
	kind: "address",
	fast: true,
	app: "ecosystem.config.js",
	hosts: { node: { app: [process.execPath, "--max-http-header-size=65536", "server.js"] } },
	async check(host) {
		await host.answers();
		assert.strictEqual((await host.get("/", { headers: { Cookie: "x".repeat(40000) } })).body, "40000");
	},
};
