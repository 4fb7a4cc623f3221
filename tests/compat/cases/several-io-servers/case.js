const { connectMany, broadcasts, pollingSession } = require("../../clients");

module.exports = {
	title: "two Socket.IO servers at paths of their own, two namespaces each, cluster-adapter",
	kind: "framework",
	fast: true,
	app: "server.js",
	hosts: { node: null },
	async check(host) {
		await host.workersThat();
		for (const path of ["/chat/ws/", "/admin/"]) {
			await pollingSession(host, { at: path });
			for (const at of ["", "/room"]) {
				const clients = await connectMany(host, 4, { path, at });
				await broadcasts(host, clients, "all");
				for (const client of clients) client.close();
			}
		}
	},
	differs: { pm2: "polling is spread over the workers: session ID unknown" },
};
