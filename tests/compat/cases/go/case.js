const path = require("path");
const { checkFramework } = require("../../framework_check");

const folder = path.join(__dirname, "../../frameworks/go");

module.exports = {
	title: "a Go server (Engine.IO by hand), at $PORT",
	kind: "framework",
	packages: folder,
	folder,
	needs: ["go"],
	app: ["./server"],
	hosts: { pm2: null },
	check: (host) => checkFramework(host, { across: false }),
};
