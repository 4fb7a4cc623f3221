const assert = require("node:assert");

module.exports = {
	title: "`instance_var`: the number of the instance under a name of its own",
	kind: "pm2",
	app: "ecosystem.config.js",
	hosts: { node: null },
	async check(host) {
		assert.deepStrictEqual((await host.workersThat()).sort(), ["0", "1"]);
	},
};
