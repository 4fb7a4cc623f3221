const assert = require("node:assert");

module.exports = {
	title: "answers OPTIONS, PATCH, PURGE, PROPFIND, QUERY-like methods, and HEAD without a body",
	kind: "address",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		for (const method of ["OPTIONS", "PUT", "PATCH", "DELETE", "PURGE", "PROPFIND", "REPORT"]) assert.strictEqual((await host.get("/", { method })).body, method);
		assert.strictEqual((await host.get("/", { method: "HEAD" })).body, "");
	},
};
