module.exports = {
	title: "does something on SIGUSR2 (`docker kill -s USR2`)",
	kind: "operations",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.workersThat();
		host.signal("SIGUSR2");
		await host.until(() => host.out.match(/heap is dumped/g)?.length === host.workers, "the word of every worker", 5000);
	},
	differs: { pm2: "SIGUSR2 goes no further" },
};
