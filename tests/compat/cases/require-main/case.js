module.exports = {
	title: "listens if `require.main === module`",
	kind: "framework",
	fast: true,
	app: "server.js",
	check: (host) => host.answers(),
};
