const assert = require("node:assert");

module.exports = {
	title: "needs a while until it listens: nobody waits for ever, or sees another app",
	kind: "listen",
	fast: true,
	app: "server.js",
	async check(host) {
		const seen = await host.until(async () => {
			const answer = await host.get("/", { timeout: 3000 }).catch((err) => ({ refused: err.code ?? err.message }));
			assert.ok(answer.refused === "ECONNREFUSED" || answer.status === 503 || answer.status === 200, JSON.stringify(answer));
			return answer.status === 200 && answer.body;
		}, "200");
		assert.strictEqual(seen, "up");
	},
};
