module.exports = {
	title: "two apps in one file: a web server, and one that listens nowhere",
	kind: "pm2",
	fast: true,
	app: "ecosystem.config.js",
	hosts: { node: null },
	async check(host) {
		await host.answers();
		await host.says(/the mailer is up/);
	},
};
