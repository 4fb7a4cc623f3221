module.exports = {
	title: "log4js, which wants the cluster's primary to write",
	kind: "logs",
	fast: true,
	app: "server.js",
	needs: ["log4js"],
	async check(host) {
		await host.answers();
		for (let i = 0; i < 4; i++) await host.get(`/${i}`);
		await host.says(/asked \/3/, 2000);
	},
	differs: {
		sioinit: { why: "its primary is missing", says: /log4js/ },
		pm2: "its primary is missing",
	},
};
