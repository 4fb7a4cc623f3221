const assert = require("node:assert");

module.exports = {
	title: "takes a free port by listen(0) and close(), and gives it to a child",
	kind: "listen",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		for (let i = 0; i < 4; i++) assert.strictEqual((await host.get()).body, "listening");
	},
};
