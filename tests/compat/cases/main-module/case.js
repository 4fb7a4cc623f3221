module.exports = {
	title: "an ES module with top-level await that asks whether it was started itself",
	kind: "framework",
	fast: true,
	app: "server.mjs",
	check: (host) => host.answers(),
};
