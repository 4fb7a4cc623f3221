// Counts the instructions of one operation in the router and in init (valgrind --tool=callgrind) and compares them with
// instructions.expected. See README.md.
//   node instructions.js [--row TEXT]... [--operations N] [--accept] [--syscalls]
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
	},
});

const binaries = path.resolve(__dirname, "../build/release");
const profiles = path.resolve(__dirname, "../build/instructions");
const expectedFile = path.join(__dirname, "instructions.expected");
const sioinit = path.join(binaries, "sioinit");
const program = (name) => path.join(binaries, "bench", name);
const command = (name) => ["--", "sh", "-c", `exec ${program(name)} $PORT`];

// How the worker is reached, and what serves
const apps = {
	listen: { command: command("bench-worker"), env: { SIOINIT_DISPATCH: "listen" } },
	sticky: { command: command("bench-worker"), env: { SIOINIT_DISPATCH: "sticky", STYLE: "sticky" } },
	port: { command: command("bench-echo"), env: { SIOINIT_DISPATCH: "port" } },
};

const rows = [
	{ name: "WebSocket connect", app: "listen", load: "connect", operations: 2000 },
	{ name: "polling handshake", app: "listen", load: "handshake", operations: 2000 },
	{ name: "poll GET", app: "listen", load: "poll", operations: 2000 },
	{ name: "GET, new connection", app: "listen", load: "get-alone", operations: 2000 },
	{ name: "POST 200 B", app: "listen", load: "post", parameter: 200, operations: 2000 },
	{ name: "POST 64 KB", app: "listen", load: "post", parameter: 64 << 10, operations: 1000 },
	{ name: "POST 1 MB", app: "listen", load: "post", parameter: 1 << 20, operations: 200 },
	{ name: "setupWorker() poll", app: "sticky", load: "poll", operations: 2000 },
	{ name: "tunnel 100 B", app: "port", load: "tunnel", parameter: 100, operations: 2000 },
];
const roles = ["router", "init"];

// the processes

function underCallgrind(command, dir) {
	return [
		"valgrind",
		"-q",
		"--tool=callgrind",
		"--trace-children=yes",
		"--trace-children-skip=*/sh,*/bench-*",
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
		SIOINIT_WORKERS: 1,
		SIOINIT_SERIALIZATION: "advanced",
		SIOINIT_PING_INTERVAL: 0,
		EXEC_SELF: sioinit,
		LD_PRELOAD: program("libbench-exec-self.so"),
	});
	const workers = await untilServing(port, 1);
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

// The dump that is new in `dir`
function takeDump({ dir, pids }, role, row) {
	const [file] = fs.readdirSync(dir).filter((name) => name.startsWith(`${pids[role]}.`));
	const text = fs.readFileSync(path.join(dir, file), "utf8");
	const target = path.join(profiles, `${row.name.replace(/[^\w]+/g, "-")}.${role}`);
	fs.renameSync(path.join(dir, file), target);
	return Number(/^totals: (\d+)/m.exec(text)[1]);
}

const load = (running, row, operations, before, after) =>
	applyLoad(program("bench-load"), running.port, { ...row, conns: 1 }, `${operations}x`, before, after);

async function count(running, row) {
	const operations = Number(options.operations || row.operations);
	await load(running, row, 20, () => {}, () => {});
	const done = await load(running, row, operations, () => tell(running, "zero"), () => tell(running, "dump"));
	if (done.failed || done.operations !== operations) throw new Error(`${row.name}: ${JSON.stringify(done)}`);
	return Object.fromEntries(roles.map((role) => [role, Math.round(takeDump(running, role, row) / operations)]));
}

async function withApp(name, action) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "instructions-"));
	try {
		await action(await startApp(apps[name], dir));
	} finally {
		await stopAll();
		fs.rmSync(dir, { recursive: true });
	}
}

async function main() {
	fs.mkdirSync(profiles, { recursive: true });
	for (const name of Object.keys(apps))
		await withApp(name, async (running) => {
			tell(running, "instrumentation", "on");
			for (const row of rows.filter((r) => r.app === name && (!options.row || options.row.some((t) => r.name.includes(t))))) {
				const begin = Date.now();
				console.log(row.name, await count(running, row), Date.now() - begin, "ms");
			}
		});
}

main().catch(async (error) => {
	console.error(error);
	await stopAll();
	process.exit(1);
});
