const path = require("path");
const { checkFramework } = require("../../framework_check");

module.exports = {
	title: "NestJS, `nest start`",
	kind: "framework",
	packages: path.join(__dirname, "../../frameworks/nestjs"),
	folder: path.join(__dirname, "../../frameworks/nestjs"),
	seconds: 240,
	app: ["node_modules/.bin/nest", "start"],
	env: () => ({ SIOINIT_READY_TIMEOUT: 90 }), // each worker compiles first
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
