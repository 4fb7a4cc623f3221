const path = require("path");
const { checkFramework } = require("../../framework_check");

module.exports = {
	title: "a Java server (Engine.IO by hand, polling only), at $PORT",
	kind: "framework",
	seconds: 120,
	folder: path.join(__dirname, "../../frameworks/java"),
	needs: ["java"],
	app: ["java", "Server.java"],
	hosts: { pm2: null },
	check: (host) => checkFramework(host, { across: false, transports: [["polling"]] }),
};
