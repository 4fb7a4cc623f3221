const path = require("path");
const { checkFramework } = require("../../framework_check");

module.exports = {
	title: "NestJS, IoAdapter",
	kind: "framework",
	packages: path.join(__dirname, "../../frameworks/nestjs"),
	folder: path.join(__dirname, "../../frameworks/nestjs"),
	app: "dist/main.js",
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
