module.exports = {
	title: "is started as a folder (`node .`)",
	kind: "framework",
	fast: true,
	app: ".",
	hosts: { sioinit: { app: ["node", "."] }, pm2: { app: "lib/main.js" } },
	check: (host) => host.answers(),
};
