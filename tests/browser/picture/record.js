// node record.js FOLDER SECONDS: lets a sioinit with the app live for that long, and has a Prometheus keep in FOLDER what it says. SPAN, in the folder,
// is from when to when, in s since 1970.
const fs = require("fs");
const path = require("path");
const { start } = require("../../e2e/harness");
const { Prometheus } = require("../../e2e/prometheus");
const { Day } = require("./day");

const [dir, seconds] = process.argv.slice(2);
const e2e = path.join(__dirname, "../../e2e");

async function main() {
	fs.mkdirSync(dir, { recursive: true });
	const sioinit = await start([path.join(__dirname, "app.js")], { SIOINIT_WORKERS: "3", SIOINIT_APP_METRICS: "off", SIOINIT_DRAIN_TIME: "3", NODE_PATH: path.join(e2e, "node_modules") });
	const prometheus = await Prometheus.start({ chat: sioinit.admin }, { interval: 5, dir });
	const began = Date.now() / 1000;
	try {
		await new Day(sioinit, Number(seconds)).pass();
		fs.writeFileSync(path.join(dir, "span"), JSON.stringify({ start: began + 10, end: Date.now() / 1000 }));
	} finally {
		await prometheus.stop();
		await sioinit.stop();
	}
}

main();
