const assert = require("node:assert");

module.exports = {
	title: "`pm_id` tells the instance of the job, `name` the app, `env` its variables",
	kind: "pm2",
	app: "ecosystem.config.js",
	hosts: { node: null },
	async check(host) {
		const seen = (await host.workersThat()).map(JSON.parse).sort();
		assert.deepStrictEqual(seen, [["0", "jobs", "production", "eu"], ["1", "jobs", "production", "eu"]]);
		assert.strictEqual(host.out.match(/the job runs here/g)?.length, 1);
	},
};
