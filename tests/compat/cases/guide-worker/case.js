const { broadcasts, connectMany } = require("../../clients");

module.exports = {
	title: "the worker of Socket.IO's guide to @socket.io/pm2, polling and broadcasts",
	kind: "pm2",
	fast: true,
	app: "ecosystem.config.js",
	hosts: { pm2: null, node: null },
	async check(host) {
		await host.until(() => connectMany(host, 1).then(([client]) => !!client.close()), "a client");
		const clients = await connectMany(host, 6);
		await broadcasts(host, clients, "all");
		for (const client of clients) client.close();
	},
};
