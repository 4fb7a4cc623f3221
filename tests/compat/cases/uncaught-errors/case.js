const assert = require("node:assert");

module.exports = {
	title: "goes on after uncaughtException and unhandled rejections that it handles; nobody else notices",
	kind: "operations",
	fast: true,
	app: "server.js",
	workers: 1,
	async check(host) {
		await host.answers();
		const { body } = await host.get("/throw");
		for (const method of ["POST", "GET"]) {
			await host.get("/throw");
			assert.strictEqual((await host.get("/", { method })).body, body);
		}
		await host.get("/reject");
		await host.says(/caught two/);
	},
	differs: { pm2: "pm2 takes the unhandled rejection" },
};
