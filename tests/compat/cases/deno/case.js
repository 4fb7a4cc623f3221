const path = require("path");
const { checkFramework } = require("../../framework_check");

const deno = path.join(__dirname, "../../../e2e/runtimes/node_modules/@deno/linux-x64-glibc/deno");

module.exports = {
	title: "Deno, its http module",
	kind: "framework",
	fast: true,
	seconds: 90,
	needs: [deno],
	app: [deno, "run", "-A", "server.cjs"],
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
