module.exports = {
	title: "node --watch",
	kind: "channel",
	app: ["node", "--watch", "server.js"],
	workers: 1,
	hosts: { pm2: null },
	check: (host) => host.answers(),
};
