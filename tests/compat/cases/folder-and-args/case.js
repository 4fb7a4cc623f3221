const assert = require("node:assert");

module.exports = {
	title: "`cwd`, `args` with quotes, `node_args`, in a file of JSON",
	kind: "pm2",
	app: "ecosystem.config.json",
	hosts: { node: null },
	async check(host) {
		await host.answers();
		assert.strictEqual((await host.get()).body.replace("--enable-source-maps,", ""), "app --mode+two words --no-warnings");
	},
};
