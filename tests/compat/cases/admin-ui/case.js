const { connect } = require("../../clients");

module.exports = {
	title: "@socket.io/admin-ui sees the servers of all workers",
	kind: "framework",
	app: "server.js",
	needs: ["@socket.io/admin-ui"],
	async check(host) {
		await host.answers();
		const admin = await connect(host, "websocket", { at: "/admin" });
		const ids = new Set();
		admin.on("server_stats", ({ serverId }) => ids.add(serverId));
		await host.until(() => ids.size === host.workers, "stats of every worker", 15000);
		admin.close();
	},
};
