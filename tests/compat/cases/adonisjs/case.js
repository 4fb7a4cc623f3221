const path = require("path");
const { checkFramework } = require("../../framework_check");

const folder = path.join(__dirname, "../../frameworks/adonisjs");
const node24 = path.join(__dirname, "../../../e2e/versions/node_modules/node24/bin/node"); // it wants 24 at least

module.exports = {
	title: "AdonisJS",
	kind: "framework",
	packages: folder,
	folder,
	needs: [node24],
	app: [node24, "bin/server.js"],
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
