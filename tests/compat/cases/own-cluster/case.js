module.exports = {
	title: "forks its own cluster where it is the primary",
	kind: "channel",
	fast: true,
	app: "server.js",
	check: (host) => host.workersThat(),
};
