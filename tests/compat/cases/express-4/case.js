const { checkFramework } = require("../../framework_check");

module.exports = {
	title: "Express 4",
	kind: "framework",
	app: "server.js",
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
