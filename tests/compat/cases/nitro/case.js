const path = require("path");
const { checkFramework } = require("../../framework_check");

const folder = path.join(__dirname, "../../frameworks/nitro");

module.exports = {
	title: "Nitro, which is Nuxt's server",
	kind: "framework",
	packages: folder,
	folder,
	app: ".output/server/index.mjs",
	env: () => ({ NITRO_SHUTDOWN_TIMEOUT: 3000 }), // it waits for polls that hang
	hosts: { pm2: null },
	check: (host) => checkFramework(host),
};
