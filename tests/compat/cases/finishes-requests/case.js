const assert = require("node:assert");

module.exports = {
	title: "server.close() on SIGTERM: requests under way are answered, exit code 0",
	kind: "stop",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		const slow = Promise.all(Array.from({ length: 4 }, () => host.get("/slow")));
		await new Promise((resolve) => setTimeout(resolve, 300));
		const code = host.stop();
		for (const { status, body } of await slow) assert.deepStrictEqual({ status, body }, { status: 200, body: "finished" });
		assert.strictEqual(await code, 0);
		assert.strictEqual(host.out.match(/^closed$/gm)?.length, host.workers);
	},
};
