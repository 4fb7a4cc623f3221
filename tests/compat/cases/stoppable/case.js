const assert = require("node:assert");
const http = require("http");

module.exports = {
	title: "stoppable ends kept connections, then the process",
	kind: "stop",
	app: "server.js",
	needs: ["stoppable"],
	async check(host) {
		await host.workersThat();
		const agent = new http.Agent({ keepAlive: true });
		await host.get("/", { agent });
		await host.stop();
		agent.destroy();
		assert.strictEqual(host.out.match(/cleaned up/g)?.length, host.workers);
	},
};
