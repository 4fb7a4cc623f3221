module.exports = {
	title: "TypeScript by tsx",
	kind: "channel",
	app: ["node_modules/.bin/tsx", "server.ts"],
	needs: ["tsx"],
	workers: 1,
	check: (host) => host.answers(),
};
