module.exports = {
	title: "`node_args: --inspect=PORT` with two instances: a debugger's port for each",
	kind: "pm2",
	app: "ecosystem.config.js",
	hosts: { node: null },
	env: ({ other }) => ({ DEBUG_PORT: other }),
	async check(host) {
		await host.workersThat();
	},
};
