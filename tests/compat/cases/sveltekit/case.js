const path = require("path");
const { checkFramework } = require("../../framework_check");

const folder = path.join(__dirname, "../../frameworks/sveltekit");
const node24 = path.join(__dirname, "../../../e2e/versions/node_modules/node24/bin/node"); // it wants 22.17 at least

module.exports = {
	title: "SvelteKit, adapter-node in a custom server",
	kind: "framework",
	packages: folder,
	folder,
	needs: [node24],
	app: [node24, "server.js"],
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
