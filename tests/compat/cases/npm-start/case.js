const { broadcasts, connectMany } = require("../../clients");

module.exports = {
	title: "npm start, two workers, polling and broadcasts",
	kind: "channel",
	app: ["npm", "start"],
	needs: ["npm"],
	hosts: { node: null },
	async check(host) {
		await host.workersThat(undefined, 20000);
		const clients = await connectMany(host, 4);
		await broadcasts(host, clients, "all");
		for (const client of clients) client.close();
	},
	differs: { pm2: "npm is started twice, and both apps want the port" },
};
