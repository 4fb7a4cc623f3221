const fs = require("fs");

module.exports = {
	title: "`out_file` and `error_file`",
	kind: "pm2",
	app: "ecosystem.config.js",
	hosts: { node: null },
	async check(host) {
		await host.answers();
		await host.until(() => fs.readFileSync(`${host.dir}/logs/out.log`, "utf8").includes("to the file"), "the line in logs/out.log", 4000);
		await host.until(() => fs.readFileSync(`${host.dir}/logs/error.log`, "utf8").includes("to the other file"), "the line in logs/error.log", 4000);
	},
};
