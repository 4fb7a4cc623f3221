const assert = require("node:assert");
const { connectMany } = require("../../clients");

module.exports = {
	title: "setupWorker(), and beside it a web app that listens",
	kind: "listen",
	fast: true,
	app: "server.js",
	hosts: { pm2: null, node: null },
	env: ({ port, other }) => ({ PORT: undefined, PM2_PORT: port, HTTP_PORT: other }),
	async check(host) {
		const web = await host.workersThat(async () => (await host.get("/", { port: host.other })).body);
		assert.ok(web.every((body) => body.startsWith("web ")), web.join());
		const clients = await connectMany(host, 4);
		let heard = 0;
		for (const client of clients) client.on("tell", () => heard++);
		await host.until(async () => (await host.get("/", { port: host.other }), heard >= 4), "the web app's event at every client");
		for (const client of clients) client.close();
	},
};
