const assert = require("node:assert");

module.exports = {
	title: "answers after some seconds of thought, ten at a time",
	kind: "address",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers("/", { timeout: 5000 });
		const all = await Promise.all(Array.from({ length: 10 }, () => host.get("/", { timeout: 8000 })));
		assert.ok(all.every(({ status, body }) => status === 200 && body === "late"));
	},
};
