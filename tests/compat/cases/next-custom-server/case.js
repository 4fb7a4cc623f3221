const path = require("path");
const { checkFramework } = require("../../framework_check");

module.exports = {
	title: "Next.js, custom server",
	kind: "framework",
	packages: path.join(__dirname, "../../frameworks/next"),
	folder: path.join(__dirname, "../../frameworks/next"),
	seconds: 120,
	app: "server.js",
	env: () => ({ NODE_ENV: "production" }),
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
