const path = require("path");
const { checkFramework } = require("../../framework_check");

module.exports = {
	title: "NestJS, by `npm start`, which is `nest start`",
	kind: "framework",
	packages: path.join(__dirname, "../../frameworks/nestjs"),
	folder: path.join(__dirname, "../../frameworks/nestjs"),
	seconds: 240,
	app: ["npm", "start"],
	env: () => ({ SIOINIT_READY_TIMEOUT: 90 }), // each worker compiles first
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
