module.exports = {
	title: "`script: \"npm\"` from PATH, with `args` and `node_args`",
	kind: "pm2",
	needs: ["npm"],
	app: "ecosystem.config.js",
	hosts: { node: null },
	check: (host) => host.answers("/", { within: 20000 }),
};
