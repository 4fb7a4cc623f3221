// Runs sioinit and other supervisors, watches what they do, and prints the table (Markdown). See README.md.
//   node supervision.js [--peer TEXT]... [--scenario NAME]... [--verbose]
const os = require("os");
const { parseArgs } = require("util");
const peers = require("./supervision/peers.js");
const { rows, scenarios } = require("./supervision/scenarios.js");

const { values: options } = parseArgs({
	options: {
		peer: { type: "string", multiple: true },
		scenario: { type: "string", multiple: true },
		verbose: { type: "boolean" },
	},
});

const chosen = peers.filter((peer) => !options.peer || options.peer.some((part) => peer.name.includes(part)));
const cells = new Map(chosen.map((peer) => [peer, {}]));

async function attempt({ peer, scenario }) {
	const begin = Date.now();
	try {
		Object.assign(cells.get(peer), await scenario.run(peer));
	} catch (error) {
		cells.get(peer)[scenario.name] = "failed";
		console.error(`${peer.name}: ${scenario.name}: ${error.message}`);
	}
	if (options.verbose) console.error(`${peer.name}: ${scenario.name}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}

// `width` at a time
async function runAll(tasks, width) {
	const queue = [...tasks];
	const lane = async () => {
		for (let task; (task = queue.shift()); ) await attempt(task);
	};
	await Promise.all(Array.from({ length: width }, lane));
}

function tasksOf(matches) {
	const wanted = scenarios.filter((s) => matches(s) && (!options.scenario || options.scenario.includes(s.name)));
	return wanted.flatMap((scenario) => chosen.filter((peer) => scenario.for(peer)).map((peer) => ({ peer, scenario })));
}

function printTable(names) {
	const row = (list) => console.log(`| ${list.join(" | ")} |`);
	row(["", ...names]);
	row(Array(chosen.length + 1).fill("---"));
	for (const [key, title] of Object.entries(rows)) row([title, ...chosen.map((peer) => cells.get(peer)[key] ?? "–")]);
	const date = new Date().toISOString().slice(0, 10), cpus = os.cpus();
	console.log(`\n${date}, ${cpus.length} × ${cpus[0].model}, Linux ${os.release()}, Node ${process.versions.node}`);
}

async function main() {
	const names = chosen.map((peer) => `${peer.name} ${peer.version()}`);
	await Promise.all([
		runAll(tasksOf((s) => s.waits), 10),
		runAll(tasksOf((s) => !s.waits && !s.alone), 2),
	]);
	await runAll(tasksOf((s) => s.alone), 1);
	printTable(names);
	process.exit(0); // deadlines are still running
}

main();
