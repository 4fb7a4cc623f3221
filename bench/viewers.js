// Measures what it costs to be looked at: sioinit alone, with viewers of the status page, `sioinit monit` and Prometheus, in
// turns. Prints the table (Markdown): CPU of init and router, and wake-ups, for a second.
//   node viewers.js [--rounds N] [--seconds N] [--workers N]
const { spawn } = require("child_process");
const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const { parseArgs } = require("util");
const { start, stopAll, freePort, untilServing, childrenOf, cpuOf, wakeupsOf, sleep } = require("./processes.js");

const { values: options } = parseArgs({
	options: { rounds: { type: "string" }, seconds: { type: "string" }, workers: { type: "string" } },
});
const rounds = Number(options.rounds || 5);
const seconds = Number(options.seconds || 8);
const workers = Number(options.workers || 4);

const binary = path.resolve(__dirname, "../build/release/sioinit");
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const titleOf = (pid) => fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");

// Each begins and returns how it ends; `admin` is the admin address's port
const follow = (admin) => {
	const request = http.get({ port: admin, host: "127.0.0.1", path: "/events", agent: false }, (res) => res.resume());
	request.on("error", () => {});
	return () => request.destroy();
};
const viewers = (n) => (admin) => {
	const ends = Array.from({ length: n }, () => follow(admin));
	return () => ends.forEach((end) => end());
};
const everySecond = (ask) => {
	const timer = setInterval(ask, 1000);
	ask();
	return () => clearInterval(timer);
};
const scrape = (admin) => everySecond(() => http.get({ port: admin, host: "127.0.0.1", path: "/metrics", agent: false }, (res) => res.resume()));
const monit = (admin, env) =>
	everySecond(() => spawn(binary, ["status", "--json"], { env: { ...process.env, ...env }, stdio: "ignore" }));

const subjects = {
	"nobody looks": () => () => {},
	"1 viewer of the page": viewers(1),
	"10 viewers": viewers(10),
	"32 viewers": viewers(32),
	"the question of `sioinit monit`, each second": monit,
	"/metrics, each second": scrape,
};

async function measure(pids, begin, admin, env) {
	const end = begin(admin, env);
	await sleep(1000);
	const before = pids.map((pid) => [cpuOf([pid]), wakeupsOf([pid])]);
	await sleep(seconds * 1000);
	const after = pids.map((pid) => [cpuOf([pid]), wakeupsOf([pid])]);
	end();
	await sleep(200);
	return after.map(([cpu, wakeups], i) => [(cpu - before[i][0]) / seconds, (wakeups - before[i][1]) / seconds]);
}

async function main() {
	const port = await freePort();
	const admin = await freePort();
	const env = {
		SIOINIT_PORT: port,
		SIOINIT_ADMIN: `127.0.0.1:${admin}`,
		SIOINIT_ADMIN_SOCKET: path.join(fs.mkdtempSync(path.join(os.tmpdir(), "viewers-")), "admin"),
		SIOINIT_WORKERS: workers,
		STYLE: "listen",
	};
	const init = start(binary, [path.join(__dirname, "worker.js")], env);
	await untilServing(port, workers);
	const router = childrenOf(init.pid).find((pid) => titleOf(pid).startsWith("sioinit: router"));
	const results = {};
	for (let i = 0; i < rounds; i++)
		for (const [name, begin] of Object.entries(subjects))
			(results[name] ||= []).push(await measure([init.pid, router], begin, admin, env));
	console.log(`\n${workers} workers, ${rounds} rounds of ${seconds} s, medians; for a second\n`);
	console.log("| | init, µs of CPU | router, µs of CPU | init, wake-ups | router, wake-ups |\n|---|---|---|---|---|");
	for (const [name, list] of Object.entries(results)) {
		const cell = (who, what, digits) => median(list.map((round) => round[who][what])).toFixed(digits);
		console.log(`| ${name} | ${cell(0, 0, 0)} | ${cell(1, 0, 0)} | ${cell(0, 1, 1)} | ${cell(1, 1, 1)} |`);
	}
	await stopAll();
	fs.rmSync(path.dirname(env.SIOINIT_ADMIN_SOCKET), { recursive: true, force: true });
}

main();
