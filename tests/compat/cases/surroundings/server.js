const os = require("os");
const { execFileSync } = require("child_process");

const limit = (what) => execFileSync("sh", ["-c", `ulimit ${what}`], { encoding: "utf8" }).trim();
require("http").createServer((req, res) => res.end(JSON.stringify({
	cwd: process.cwd(),
	home: os.homedir(),
	zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
	lang: process.env.LANG,
	empty: process.env.EMPTY,
	odd: process.env["odd.name"],
	umask: process.umask().toString(8),
	files: limit("-Sn"),
	core: limit("-c"),
	options: process.env.NODE_OPTIONS,
	user: os.userInfo().uid,
}))).listen(process.env.PORT);
