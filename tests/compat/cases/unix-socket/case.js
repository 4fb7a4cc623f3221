const assert = require("node:assert");
const fs = require("fs");

module.exports = {
	title: "listens at a unix socket beside its port",
	kind: "listen",
	fast: true,
	app: "server.js",
	async check(host) {
		const socketPath = `${host.dir}/app.sock`;
		await host.workersThat(async () => {
			const { body } = await host.get("/", { socketPath });
			assert.match(body, /^unix /);
			return body;
		});
		assert.match((await host.get()).body, /^tcp /);
		await host.stop();
		assert.ok(!fs.existsSync(socketPath), "the socket is left behind");
	},
	differs: { pm2: "the socket stays when the app has ended", node: "the socket stays: a process that SIGTERM ends does not clean up" },
};
