const assert = require("node:assert");

module.exports = {
	title: "has a metrics server at a port of its own, which listens first",
	kind: "listen",
	fast: true,
	app: "server.js",
	env: ({ other }) => ({ METRICS_PORT: other }),
	async check(host) {
		const early = new Set();
		while (!host.out.includes("app is up")) early.add(await host.get("/", { timeout: 1000 }).then((r) => r.body.split(" ")[0], () => "closed"));
		assert.ok(!early.has("metrics"), "the metrics are at the public port");
		await host.answers();
		assert.ok((await host.workersThat()).every((body) => body.startsWith("app ")));
		assert.match((await host.get("/", { port: host.other })).body, /^metrics /);
	},
};
