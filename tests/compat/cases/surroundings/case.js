const assert = require("node:assert");
const { execFileSync } = require("child_process");
const fs = require("fs");

const limit = (what) => execFileSync("sh", ["-c", `ulimit ${what}`], { encoding: "utf8" }).trim();

module.exports = {
	title: "sees folder, HOME, TZ, locale, empty and odd variables, umask, ulimits, NODE_OPTIONS as they were given",
	kind: "operations",
	fast: true,
	app: "server.js",
	env: () => ({ HOME: "/nonexistent", TZ: "Asia/Tokyo", LANG: "de_DE.UTF-8", EMPTY: "", "odd.name": "a=b", NODE_OPTIONS: "--max-old-space-size=512" }),
	async check(host) {
		await host.answers();
		assert.deepStrictEqual(JSON.parse((await host.get()).body), {
			cwd: fs.realpathSync(host.dir),
			home: "/nonexistent",
			zone: "Asia/Tokyo",
			lang: "de_DE.UTF-8",
			empty: "",
			odd: "a=b",
			umask: process.umask().toString(8),
			files: limit("-Hn"), // Node itself takes all that it may
			core: limit("-c"),
			options: "--max-old-space-size=512",
			user: process.getuid(),
		});
	},
};
