const assert = require("node:assert");

module.exports = {
	title: "a shell script that runs node without exec, stopped by SIGTERM",
	kind: "channel",
	fast: true,
	app: ["./start.sh", "hello"],
	workers: 1,
	async check(host) {
		await host.answers();
		assert.strictEqual((await host.get()).body, "from ./start.sh hello");
		const code = await host.stop();
		assert.match(host.out, /got SIGTERM/);
		assert.strictEqual(code, 0);
	},
	differs: { pm2: "the app gets SIGINT", node: "sh does not hand the signal on" },
};
