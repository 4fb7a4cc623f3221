const path = require("path");
const { checkFramework } = require("../../framework_check");

const bun = path.join(__dirname, "../../../e2e/runtimes/node_modules/@oven/bun-linux-x64/bin/bun");

module.exports = {
	title: "Bun, @socket.io/bun-engine",
	kind: "framework",
	seconds: 90,
	packages: path.join(__dirname, "../../frameworks"),
	app: [bun, "server.js"],
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
