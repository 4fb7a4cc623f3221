const path = require("path");
const { checkFramework } = require("../../framework_check");

const bun = path.join(__dirname, "../../../e2e/runtimes/node_modules/@oven/bun-linux-x64/bin/bun");

module.exports = {
	title: "Bun, its http module",
	kind: "framework",
	fast: true,
	seconds: 90,
	needs: [bun],
	app: [bun, "server.js"],
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
