const net = require("net");

module.exports = {
	title: "hears of EADDRINUSE and takes another port",
	kind: "listen",
	fast: true,
	app: "server.js",
	env({ other }) {
		net.createServer().listen(other).unref();
		return { TAKEN: other };
	},
	async check(host) {
		await host.says(/EADDRINUSE/);
		await host.answers();
	},
};
