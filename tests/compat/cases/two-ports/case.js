const assert = require("node:assert");

module.exports = {
	title: "listens at two ports, both HTTP",
	kind: "listen",
	fast: true,
	app: "server.js",
	env: ({ other }) => ({ API_PORT: other }),
	async check(host) {
		await host.answers();
		const app = await host.workersThat();
		const api = await host.workersThat(async () => (await host.get("/", { port: host.other })).body);
		assert.ok(app.every((body) => body.startsWith("app ")), app.join());
		assert.ok(api.every((body) => body.startsWith("api ")), api.join());
	},
};
