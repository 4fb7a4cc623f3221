// Counts the instructions of one operation in the router and in init (valgrind --tool=callgrind) and compares them with
// instructions.expected: ends with 1 where a row has grown. See README.md.
//   node instructions.js [--row TEXT]... [--operations N] [--accept] [--syscalls] [--verbose]
const { spawn, spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { parseArgs } = require("util");
const applyLoad = require("./load.js");
const { childrenOf, freePort, sleep, start, stopAll, untilServing } = require("./processes.js");

const { values: options } = parseArgs({
	options: {
		row: { type: "string", multiple: true },
		operations: { type: "string" },
		accept: { type: "boolean" },
		syscalls: { type: "boolean" },
		verbose: { type: "boolean" },
	},
});

const binaries = path.resolve(__dirname, "../build/release");
const profiles = path.resolve(__dirname, "../build/instructions");
const expectedFile = path.join(__dirname, "instructions.expected");
const sioinit = path.join(binaries, "sioinit");
const program = (name) => path.join(binaries, "bench", name);
const command = (name, ...args) => ["--", program(name), ...args];
const asNode = path.join(profiles, "node"); // by whose name it inherits the IPC channel

// How the worker is reached, and what serves
const apps = {
	listen: { command: ["--", asNode], env: { SIOINIT_DISPATCH: "listen" }, workers: 1 },
	many: { command: ["--", asNode], env: { SIOINIT_DISPATCH: "listen" }, workers: 16 },
	sticky: { command: ["--", asNode], env: { SIOINIT_DISPATCH: "sticky", STYLE: "sticky" }, workers: 1 },
	port: { command: command("bench-echo", "{port}"), env: { SIOINIT_DISPATCH: "port" }, workers: 1 },
};

const rows = [
	{ name: "WebSocket connect", app: "listen", load: "connect", operations: 2000 },
	{ name: "polling handshake", app: "listen", load: "handshake", operations: 2000 },
	{ name: "poll GET", app: "listen", load: "poll", operations: 2000 },
	{ name: "GET, new connection", app: "listen", load: "get-alone", operations: 2000 },
	{ name: "POST 200 B", app: "listen", load: "post", parameter: 200, operations: 2000 },
	{ name: "POST 64 KB", app: "listen", load: "post", parameter: 64 << 10, operations: 1000 },
	{ name: "POST 1 MB", app: "listen", load: "post", parameter: 1 << 20, operations: 200 },
	{ name: "polling handshake, 16 workers", app: "many", load: "handshake", operations: 2000 },
	{ name: "poll GET, 16 workers", app: "many", load: "poll", operations: 2000 },
	{ name: "setupWorker() poll", app: "sticky", load: "poll", operations: 2000 },
	{ name: "tunnel 100 B", app: "port", load: "tunnel", parameter: 100, operations: 2000 },
];
const roles = ["router", "init"];
const WARM_UP = 20; // operations
const MEASURED = "# counted with ";
const few = 50; // instructions: a timer that happened to run, in a role that has no part in the operation

// the processes

function underCallgrind(command, dir) {
	return [
		"valgrind",
		"-q",
		"--tool=callgrind",
		"--trace-children=yes",
		"--trace-children-skip=*/bench-*,*/node",
		"--instr-atstart=no",
		`--callgrind-out-file=${dir}/%p`,
		...command,
	];
}

async function startApp(app, dir) {
	const port = await freePort();
	const plain = [sioinit, ...app.command];
	const [first, ...rest] = options.syscalls ? plain : underCallgrind(plain, dir);
	const init = start(first, rest, {
		...app.env,
		PORT: port,
		SIOINIT_PORT: port,
		SIOINIT_ADMIN: "off",
		SIOINIT_WORKERS: app.workers,
		SIOINIT_SERIALIZATION: "advanced",
		SIOINIT_PING_INTERVAL: 0,
		SIOINIT_SANDBOX: "off", // valgrind and strace need what the sandbox takes away
		EXEC_SELF: sioinit,
		LD_PRELOAD: program("libbench-exec-self.so"),
	});
	const workers = await untilServing(port, app.workers);
	const router = childrenOf(init.pid).find((pid) => !workers.includes(pid));
	return { port, dir, pids: { router, init: init.pid } };
}

// callgrind

function vgdb(pid, ...words) {
	const done = spawnSync("vgdb", [`--pid=${pid}`, ...words], { encoding: "utf8", timeout: 20000 });
	if (done.status !== 0) throw new Error(`vgdb ${words.join(" ")}: ${done.stderr}`);
}

function tell({ pids }, ...words) {
	for (const role of roles) vgdb(pids[role], ...words);
}

// What was counted since `zero`, kept as a profile
function takeDump({ dir, pids }, role, row) {
	const name = fs.readdirSync(dir).find((file) => file.startsWith(`${pids[role]}.`));
	const text = fs.readFileSync(path.join(dir, name), "utf8");
	fs.rmSync(path.join(dir, name));
	fs.writeFileSync(path.join(profiles, `${row.name.replace(/[^\w]+/g, "-")}.${role}`), text);
	return Number(/^totals: (\d+)/m.exec(text)[1]);
}

const callgrind = {
	attach: (running) => tell(running, "zero"),
	detach: (running) => tell(running, "dump"),
	result: (running, role, row, operations) => Math.round(takeDump(running, role, row) / operations),
};

// strace

const stracers = new Map();

// "recvmsg 2, epoll_ctl 2.5, …", those of one in a hundred operations at least
function summarize(text, operations) {
	const calls = [...text.matchAll(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+) .*?(\w+)$/gm)].filter(([, , name]) => name !== "total");
	const each = calls.map(([, n, name]) => [name, n / operations]).filter(([, n]) => n >= 0.01).sort((a, b) => b[1] - a[1]);
	const sum = each.reduce((all, [, n]) => all + n, 0);
	return `${sum.toFixed(1)}: ${each.map(([name, n]) => `${name} ${Number(n.toFixed(2))}`).join(", ")}`;
}

const strace = {
	attach({ dir, pids }) {
		for (const role of roles)
			stracers.set(role, start("strace", ["-c", "-f", "-o", path.join(dir, role), "-p", String(pids[role])]));
		return sleep(300);
	},
	detach() {
		for (const child of stracers.values()) child.kill("SIGINT");
		return Promise.all([...stracers.values()].map((child) => child.ended));
	},
	result: ({ dir }, role, row, operations) => summarize(fs.readFileSync(path.join(dir, role), "utf8"), operations),
};

// the rows

const counter = options.syscalls ? strace : callgrind;

const load = (running, row, operations, before, after) =>
	applyLoad(program("bench-load"), running.port, { ...row, conns: 1 }, `${operations}x`, before, after);

async function count(running, row) {
	const operations = Number(options.operations || row.operations);
	await load(running, row, WARM_UP, () => {}, () => {});
	const done = await load(running, row, operations, () => counter.attach(running), () => counter.detach(running));
	if (done.failed || done.operations !== operations) throw new Error(`${row.name}: ${JSON.stringify(done)}`);
	return Object.fromEntries(roles.map((role) => [role, counter.result(running, role, row, operations)]));
}

async function withApp(app, action) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "instructions-"));
	try {
		await action(await startApp(app, dir));
	} finally {
		await stopAll();
		fs.rmSync(dir, { recursive: true });
	}
}

// [{ role, name, count }]
async function countAll(wanted) {
	const counted = [];
	for (const [name, app] of Object.entries(apps)) {
		const todo = wanted.filter((row) => row.app === name);
		if (!todo.length) continue;
		await withApp(app, async (running) => {
			if (!options.syscalls) tell(running, "instrumentation", "on");
			for (const row of todo)
				for (const [role, n] of Object.entries(await count(running, row))) counted.push({ role, name: row.name, count: n });
		});
	}
	return counted;
}

// what is expected

const said = (command, ...args) => (spawnSync(command, args, { encoding: "utf8" }).stdout || "").trim();

// All that changes the counts although sioinit is the same
function toolchain() {
	const compiler = /(GCC: \([^)]*\) [\d.]+|clang version [\d.]+)/.exec(fs.readFileSync(sioinit, "latin1"));
	const avx2 = /^flags.*\bavx2\b/m.test(fs.readFileSync("/proc/cpuinfo", "utf8")); // glibc has other loops then
	return [
		compiler ? compiler[0] : "unknown compiler",
		said("getconf", "GNU_LIBC_VERSION"),
		`libuv ${said("pkg-config", "--modversion", "libuv")}`,
		said("valgrind", "--version"),
		`${os.machine?.() ?? process.arch}${avx2 ? " avx2" : ""}`,
	].join(", ");
}

function readExpected() {
	const lines = fs.readFileSync(expectedFile, "utf8").split("\n");
	const counts = lines.map((line) => /^(router|init) +(\d+) +(\d+)% +(.+)$/.exec(line)).filter(Boolean);
	return {
		lines,
		toolchain: lines.find((line) => line.startsWith(MEASURED))?.slice(MEASURED.length),
		counts: counts.map(([, role, n, tolerance, name]) => ({ role, name, count: Number(n), tolerance: Number(tolerance) })),
	};
}

const isOf = ({ role, name }) => (row) => row.role === role && row.name === name;

// Comments and tolerances stay; a row that is new goes to the end.
function accept(counted) {
	const { lines, counts } = readExpected(), here = toolchain();
	const line = ({ role, name, count }) =>
		`${role.padEnd(6)} ${String(count).padStart(6)} ${String(counts.find(isOf({ role, name }))?.tolerance ?? 5).padStart(3)}% ${name}`;
	const known = lines.filter(Boolean).map((text) => {
		const row = counted.find(({ role, name }) => text.startsWith(`${role} `) && text.endsWith(`% ${name}`));
		return row ? line(row) : text.startsWith(MEASURED) ? MEASURED + here : text;
	});
	const added = counted.filter((row) => !counts.some(isOf(row))).map(line);
	fs.writeFileSync(expectedFile, [...known, ...added, ""].join("\n"));
}

const limit = ({ count, tolerance }) => Math.max(count * (1 + tolerance / 100), count + few);

function verdict(row, expected) {
	if (!expected) return "not in instructions.expected";
	if (row.count > limit(expected)) return `GROWN from ${expected.count} (tolerance ${expected.tolerance} %)`;
	if (limit({ ...expected, count: row.count }) < expected.count) return `less than ${expected.count}: --accept keeps it`;
	return "";
}

function judge(counted) {
	const { counts, toolchain: theirs } = readExpected(), here = toolchain();
	const comparable = theirs === here;
	const judged = counted.map((row) => ({ ...row, verdict: comparable ? verdict(row, counts.find(isOf(row))) : "" }));
	for (const { role, name, count, verdict } of judged)
		console.log(`${role.padEnd(6)} ${String(count).padStart(6)}  ${name}${verdict && `: ${verdict}`}`);
	if (!comparable) console.log(`not comparable: counted with ${here}; instructions.expected is of ${theirs}`);
	const grown = judged.filter((row) => row.verdict.startsWith("GROWN") || row.verdict.startsWith("not in"));
	if (grown.length) console.log(`instructions: ${grown.length} of ${judged.length} rows have grown; where that is worth it: script/instructions --accept`);
	return grown.length ? 1 : 0;
}

function printCalls(counted) {
	for (const { role, name, count } of counted) console.log(`${role.padEnd(6)} ${name}: ${count}`);
}

async function main() {
	const wanted = rows.filter((row) => !options.row || options.row.some((text) => row.name.includes(text)));
	fs.mkdirSync(profiles, { recursive: true });
	fs.rmSync(asNode, { force: true });
	fs.symlinkSync(program("bench-worker"), asNode);
	const counted = await countAll(wanted);
	if (options.syscalls) printCalls(counted);
	else if (options.accept) accept(counted);
	else process.exitCode = judge(counted);
}

main().catch(async (error) => {
	console.error(`instructions: ${options.verbose ? error.stack : error.message}`);
	await stopAll();
	process.exit(1);
});
