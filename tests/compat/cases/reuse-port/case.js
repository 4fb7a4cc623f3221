const path = require("path");
const { checkFramework } = require("../../framework_check");

const node24 = path.join(__dirname, "../../../e2e/versions/node_modules/node24/bin/node"); // 22.12 at least knows reusePort

module.exports = {
	title: "binds with SO_REUSEPORT by itself, as uWebSockets.js does: SIOINIT_DISPATCH=port",
	kind: "framework",
	fast: true,
	needs: [node24],
	app: [node24, "server.js"],
	env: () => ({ SIOINIT_DISPATCH: "port" }), // without it the log says so
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
