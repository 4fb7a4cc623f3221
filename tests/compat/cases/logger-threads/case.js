const fs = require("fs");

module.exports = {
	title: "pino's transport in a thread, winston's to console and file",
	kind: "logs",
	app: "server.js",
	needs: ["pino", "winston"],
	async check(host) {
		await host.answers();
		await host.get();
		await host.says(/from pino/);
		await host.says(/from winston/);
		await host.until(() => fs.readFileSync(`${host.dir}/app.log`, "utf8").includes("from winston"), "the line in the file");
	},
};
