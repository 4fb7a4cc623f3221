const path = require("path");
const { checkFramework } = require("../../framework_check");

module.exports = {
	title: "hapi",
	kind: "framework",
	packages: path.join(__dirname, "../../frameworks"),
	app: "server.js",
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
