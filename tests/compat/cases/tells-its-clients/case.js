const { connectMany } = require("../../clients");

module.exports = {
	title: "tells its clients that it goes (io.emit on SIGTERM), polling and WebSocket",
	kind: "stop",
	app: "server.js",
	workers: 1,
	async check(host) {
		await host.answers();
		const clients = await connectMany(host, 12);
		let heard = 0;
		for (const client of clients) client.once("shutting_down", () => heard++);
		host.signal("SIGTERM");
		await host.until(() => heard === clients.length, `the word at all clients`, 5000).catch((err) => {
			throw new Error(`${heard} of ${clients.length} clients hear it`, { cause: err });
		});
		for (const client of clients) client.close();
	},
};
