// Measures starts: from exec until all workers have answered, sioinit and Node's primary beside a loop in C that forks the
// same workers and hands them their connections. Prints the table (Markdown). See README.md.
//   node start.js [--rounds N] [--workers N]
const { spawnSync } = require("child_process");
const path = require("path");
const { parseArgs } = require("util");
const { freePort } = require("./processes.js");

const { values: options } = parseArgs({ options: { rounds: { type: "string" }, workers: { type: "string" } } });
const rounds = Number(options.rounds || 15);
const workers = Number(options.workers || 2);

const binaries = path.resolve(__dirname, "../build/release");
const program = (name) => path.join(binaries, "bench", name);
const app = path.join(__dirname, "worker.js");

const subjects = {
	floor: (port) => ({ command: [program("bench-floor-handoff"), port, app, workers] }),
	sioinit: (port) => ({
		command: [path.join(binaries, "sioinit"), app],
		env: { SIOINIT_PORT: port, SIOINIT_ADMIN: "off", SIOINIT_WORKERS: workers },
	}),
	"node primary": (port) => ({ command: ["node", path.join(__dirname, "primary.js")], env: { WORKERS: workers } }),
};
// With setupWorker() Node's primary hands connections to workers that still boot, which lose them, and counts them as open.
const styles = {
	"listen()": { style: "listen", compared: Object.keys(subjects) },
	"setupWorker()": { style: "sticky", compared: ["floor", "sioinit"] },
};
const columns = { "first answer, ms": "first_us", "all answer, ms": "all_us", "CPU, ms": "cpu_us" };

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const shuffled = (list) => list.map((item) => [Math.random(), item]).sort((a, b) => a[0] - b[0]).map(([, item]) => item);

async function startOnce(subject, style) {
	const port = await freePort();
	const { command, env } = subjects[subject](port);
	const done = spawnSync(program("bench-start"), [port, workers, ...command].map(String), {
		env: { ...process.env, PORT: port, STYLE: styles[style].style, ...env },
		encoding: "utf8",
		stdio: ["ignore", "pipe", "ignore"],
	});
	if (done.status !== 0) throw new Error(`${subject}, ${style}: not all workers have answered`);
	return JSON.parse(done.stdout);
}

// The ratio is the median over the rounds of what each round says: its starts follow each other closely.
function print(style, results) {
	const row = (cells) => console.log(`| ${cells.join(" | ")} |`);
	console.log(`\nStart with ${workers} workers, ${style}, ${rounds} rounds\n`);
	row(["", ...Object.keys(columns)]);
	row(Array(Object.keys(columns).length + 1).fill("---"));
	for (const subject of styles[style].compared) {
		const cell = (key) => {
			const mine = results[subject].map((result) => result[key]);
			const ratios = mine.map((value, i) => value / results.floor[i][key]);
			return `${Math.round(median(mine) / 1000)} (${median(ratios).toFixed(2)}x)`;
		};
		row([subject, ...Object.values(columns).map(cell)]);
	}
}

async function main() {
	for (const style of Object.keys(styles)) {
		const results = Object.fromEntries(styles[style].compared.map((subject) => [subject, []]));
		for (let round = 0; round < rounds; round++)
			for (const subject of shuffled(styles[style].compared)) results[subject].push(await startOnce(subject, style));
		print(style, results);
	}
}

main();
