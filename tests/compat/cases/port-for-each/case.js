const assert = require("node:assert");

module.exports = {
	title: "`increment_var`: a port for each instance",
	kind: "pm2",
	app: "ecosystem.config.js",
	hosts: { node: null },
	env: ({ port }) => ({ PORT: undefined, FIRST_PORT: port }),
	async check(host) {
		for (const port of [host.port, host.port + 1]) {
			await host.answers("/", { port });
			for (let i = 0; i < 3; i++) assert.strictEqual((await host.get("/", { port })).body, `at ${port}`);
		}
	},
};
