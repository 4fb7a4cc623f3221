const path = require("path");
const { checkFramework } = require("../../framework_check");

module.exports = {
	title: "Next.js, `next start`",
	kind: "framework",
	packages: path.join(__dirname, "../../frameworks/next"),
	folder: path.join(__dirname, "../../frameworks/next"),
	seconds: 120,
	app: ["node_modules/.bin/next", "start"],
	hosts: { pm2: null },
	check: (host) => checkFramework(host, { transports: [] }),
};
