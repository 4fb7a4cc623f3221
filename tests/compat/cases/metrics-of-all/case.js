const assert = require("node:assert");

module.exports = {
	title: "prom-client's metrics of all workers, asked for at the admin address",
	kind: "operations",
	fast: true,
	app: "server.js",
	needs: ["prom-client"],
	hosts: { sioinit: { env: ({ other }) => ({ SIOINIT_ADMIN: `127.0.0.1:${other}` }) }, pm2: null, node: null },
	async check(host) {
		await host.workersThat();
		for (let i = 0; i < 10; i++) await host.get();
		const { body } = await host.get("/metrics", { port: host.other });
		assert.ok(Number(body.match(/^asked_total (\d+)$/m)?.[1]) >= 12, body.match(/asked_total.*/g)?.join());
	},
};
