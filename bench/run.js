// Measures sioinit and its peers in one run and prints the tables (Markdown). See README.md.
//   node run.js [--quick] [--rounds N] [--ms N] [--peer TEXT]... [--operation TEXT]... [--syscalls] [--verbose]
// --syscalls counts them with strace(1) and measures no times.
const { spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { parseArgs } = require("util");
const applyLoad = require("./load.js");
const correctness = require("./correctness.js");
const { cpuOf, descriptorsOf, freePort, memoryOf, sleep, start, stopAll, wakeupsOf } = require("./processes.js");
const relay = require("./relay.js");

const { values: options } = parseArgs({
	options: {
		quick: { type: "boolean" },
		rounds: { type: "string" },
		ms: { type: "string" },
		peer: { type: "string", multiple: true },
		operation: { type: "string", multiple: true },
		syscalls: { type: "boolean" },
		verbose: { type: "boolean" },
	},
});
const rounds = Number(options.rounds || (options.quick ? 1 : 3));
const windowMs = Number(options.ms || (options.quick ? 200 : 900));
const relayTurns = options.syscalls ? 1 : 5; // in each round
const idleMs = options.quick ? 10000 : 20000; // a heartbeat of cluster-adapter comes every 5 s

const operations = [
	{ name: "WebSocket connect", load: "connect", conns: 16 },
	{ name: "polling handshake", load: "handshake", conns: 32 },
	{ name: "poll GET", load: "poll", conns: 32 },
	{ name: "POST 200 B", load: "post", conns: 32, parameter: 200 },
	{ name: "POST 64 KB", load: "post", conns: 16, parameter: 64 << 10 },
	{ name: "POST 1 MB", load: "post", conns: 4, parameter: 1 << 20 },
	{ name: "GET, keep-alive", load: "get", conns: 32 },
	{ name: "WebSocket echo", load: "echo", conns: 32 },
	{ name: "relay 100 B", load: "relay", conns: 8, parameter: 100 },
	{ name: "relay 10 KB json", load: "relay", conns: 8, parameter: 10240 },
	{ name: "relay 10 KB binary", load: "relay", conns: 8, parameter: "binary" },
	{ name: "tunnel 100 B", app: "echo", load: "tunnel", conns: 32, parameter: 100 },
	{ name: "tunnel 64 KB", app: "echo", load: "tunnel", conns: 16, parameter: 64 << 10 },
	{ name: "tunnel 1 MB", app: "echo", load: "tunnel", conns: 4, parameter: 1 << 20 },
	{ name: "idle", app: "idle", load: "nothing" },
	...relay.operations,
];

const binaries = path.resolve(__dirname, "../build/release");
const program = (name) => path.join(binaries, "bench", name);
const place = { program, binary: path.join(binaries, "sioinit") };
const peers = ["sioinit", "node", "nginx", "haproxy", "floors"].flatMap((name) => require(`./peers/${name}.js`));

// What is served: Socket.IO; a server on a port of its own, whose connections can only be tunnelled; Socket.IO that nobody uses
const apps = {
	socketio: { app: ["node", path.join(__dirname, "worker.js")], count: 2 },
	echo: { app: [program("bench-echo")], count: 2, dispatch: "port" },
	idle: { app: ["node", path.join(__dirname, "worker.js")], count: 8 },
};
const appOf = (operation) => operation.app || "socketio";
const isRelay = (operation) => appOf(operation) === "members";
const isRest = (operation) => operation.load === "nothing";
const relayFloor = peers.find((peer) => peer.name === "floor: relay");

const matches = (texts, name) => !texts || texts.some((text) => name.includes(text));
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

function shuffled(list) {
	return list.map((item) => [Math.random(), item]).sort((a, b) => a[0] - b[0]).map(([, item]) => item);
}

const results = new Map(peers.map((peer) => [peer, { router: {}, worker: {}, both: {}, syscalls: {}, rest: {}, sessions: {}, failed: 0 }]));
const add = (table, key, value) => (table[key] ||= []).push(value);

async function measure(peer, running, operation, ms) {
	const begin = {}, end = {};
	const sample = (at) => () => {
		at.router = cpuOf(running.routers);
		at.worker = cpuOf(running.workers);
	};
	const done = await running.apply(operation, ms, sample(begin), sample(end));
	const result = results.get(peer);
	result.failed += done.failed;
	const used = (side) => (end[side] - begin[side]) / done.operations;
	for (const side of ["router", "worker"]) add(result[side], operation.name, used(side));
	add(result.both, operation.name, used("router") + used("worker"));
}

// Calls of the router's processes per operation, by strace's summary
async function countSyscalls(peer, running, operation, ms) {
	const file = path.join(running.dir, "strace");
	let strace;
	const attach = () => {
		strace = start("strace", ["-c", "-f", "-o", file, ...running.routers.flatMap((pid) => ["-p", pid])]);
		return sleep(300);
	};
	const detach = () => {
		strace.kill("SIGINT");
		return strace.ended;
	};
	const done = await running.apply(operation, ms, attach, detach);
	const summary = fs.readFileSync(file, "utf8");
	const calls = / total$/m.test(summary) ? Number(summary.trim().split("\n").pop().trim().split(/ +/)[3]) : 0;
	add(results.get(peer).syscalls, operation.name, calls / done.operations);
	if (options.verbose) console.error(operation.name, done, summary);
}

async function countFailures(peer, running) {
	for (const variant of correctness.variants) {
		const count = await correctness.runVariant(running.port, variant);
		results.get(peer).sessions[variant.name] = count;
		if (options.verbose && count.failed) console.error(variant.name, count);
	}
}

async function memoryWithSessions(running, count) {
	let uss;
	const look = () => (uss = memoryOf(running.routers).uss);
	await applyLoad(program("bench-load"), running.port, { load: "idle", conns: count }, 0, look, () => {});
	return uss;
}

async function measureIdle(peer, running) {
	const result = results.get(peer);
	await sleep(1000);
	const wakeups = wakeupsOf(running.routers);
	await sleep(1500);
	result.wakeups = (wakeupsOf(running.routers) - wakeups) / 1.5;
	result.idle = memoryOf(running.routers);
	const few = await memoryWithSessions(running, 200); // first use of buffers is no session's cost
	result.perSession = ((await memoryWithSessions(running, 600)) - few) / 400;
}

async function measureIdleTunnels(peer, running) {
	const result = results.get(peer), count = 1000;
	const before = { uss: memoryOf(running.routers).uss, fds: descriptorsOf(running.routers) };
	const look = () => {
		result.perTunnel = (memoryOf(running.routers).uss - before.uss) / count;
		result.fdsPerTunnel = (descriptorsOf(running.routers) - before.fds) / count;
	};
	await applyLoad(program("bench-load"), running.port, { load: "idle-tunnel", conns: count }, 0, look, () => {});
}

// What a peer costs that has nothing to do: an operation is a second of it
async function restFor(peer, running, before, after) {
	await sleep(5000); // what it does after its start and the first requests is not counted
	await before();
	const wakeups = wakeupsOf(running.routers);
	await sleep(idleMs);
	add(results.get(peer).rest, "wake-ups", ((wakeupsOf(running.routers) - wakeups) / idleMs) * 1000);
	await after();
	return { operations: idleMs / 1000, failed: 0 };
}

async function withPeer(peer, app, action) {
	const port = await freePort();
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "bench-"));
	try {
		const running = await peer.start({ ...apps[app], ...place, port, dir });
		const apply = (operation, ms, ...samples) =>
			isRest(operation) ? restFor(peer, running, ...samples) : applyLoad(program("bench-load"), port, operation, ms, ...samples);
		await action({ ...running, port, dir, apply });
	} finally {
		await stopAll();
		fs.rmSync(dir, { recursive: true });
	}
}

// Once for each peer, before any load
const first = {
	async socketio(peer, running) {
		if (options.operation) return;
		await measureIdle(peer, running);
		if (!peer.lacks?.includes("sessions")) await countFailures(peer, running);
	},
	echo: measureIdleTunnels,
};

async function attempt(peer, running, operation, ms) {
	try {
		await (options.syscalls ? countSyscalls : measure)(peer, running, operation, ms);
	} catch (error) {
		console.error(`${peer.name}: ${operation.name}: ${error.message}`);
	}
}

async function runPeer(peer, app, round) {
	const todo = wanted.filter((o) => appOf(o) === app && !peer.lacks?.includes(o.load));
	if (!todo.length) return;
	await withPeer(peer, app, async (running) => {
		if (round === 0 && !options.syscalls) await first[app]?.(peer, running);
		for (const operation of todo) await attempt(peer, running, operation, windowMs);
	});
}

// All are there at once and loaded in turn, each for a short while, many times: what disturbs one disturbs the others.
async function runRelays(members) {
	const todo = wanted.filter((o) => o.members === members), ms = Math.max(20, Math.round(windowMs / 3 / relayTurns));
	if (!todo.length || !relays.length) return;
	await relay.withRelays(relays, members, place, async (running) => {
		for (let turn = 0; turn < relayTurns; turn++)
			for (const operation of todo)
				for (const one of shuffled(running)) await attempt(...one, operation, ms);
	});
}

// tables

const row = (cells) => console.log(`| ${cells.join(" | ")} |`);

function table(title, rows, cell, columns = routers) {
	if (!rows.length || !columns.length) return;
	console.log(`\n${title}\n`);
	row(["", ...columns.map((peer) => peer.name)]);
	row(Array(columns.length + 1).fill("---"));
	for (const name of rows) row([name, ...columns.map((peer) => cell(results.get(peer), name))]);
}

const digits = (number) => (number < 10 ? number.toFixed(1) : Math.round(number));
const number = (values) => (values ? digits(median(values)) : "–");

// with the ratio to `base`, else to sioinit, the first peer: above 1 it costs more than that
function cost(side, base = peers[0]) {
	return (result, name) => {
		const mine = results.get(base)[side][name];
		if (!result[side][name] || !mine || result === results.get(base)) return number(result[side][name]);
		return `${number(result[side][name])} (${(median(result[side][name]) / median(mine)).toFixed(2)}x)`;
	};
}

const idle = {
	"RSS, kB": (result) => result.idle?.rss,
	"USS, kB": (result) => result.idle?.uss,
	"USS per idle session, kB": (result) => result.perSession?.toFixed(2),
	"wake-ups per second": (result) => result.wakeups?.toFixed(1),
	"requests failed under load": (result) => result.failed,
};

const idleTunnels = {
	"USS, kB": (result) => result.perTunnel?.toFixed(2),
	"descriptors": (result) => result.fdsPerTunnel?.toFixed(2),
};

// What has to be installed beside Node and the app, kB
function installed(...names) {
	const du = spawnSync("du", ["-skL", ...names.map((name) => path.resolve(__dirname, name))], { encoding: "utf8" });
	return du.stdout.trim().split("\n").reduce((kB, line) => kB + Number(line.split("\t")[0]), 0);
}

function printInstallSizes() {
	console.log("\nOn disk, kB, without shared libraries\n");
	row(["sioinit, stripped", "@socket.io/sticky, cluster-adapter", "nginx", "HAProxy"]);
	row(Array(4).fill("---"));
	const stripped = path.join(os.tmpdir(), `sioinit-stripped-${process.pid}`);
	spawnSync("strip", ["-o", stripped, path.join(binaries, "sioinit")]);
	const packages = ["sticky", "cluster-adapter"].map((name) => `node_modules/@socket.io/${name}`);
	row([installed(stripped), installed(...packages), installed("/usr/sbin/nginx"), installed("/usr/sbin/haproxy")]);
	fs.rmSync(stripped);
}

function failures(result, name) {
	const { failed, requests } = result.sessions[name] || {};
	return requests ? `${failed} of ${requests}` : "–";
}

const rest = {
	"router: µs of CPU": (result) => result.router.idle,
	"workers: µs of CPU": (result) => result.worker.idle,
	"router: wake-ups": (result) => result.rest["wake-ups"],
};

function printRest() {
	table("With 8 workers that nobody uses, per second", Object.keys(rest), (result, name) => number(rest[name](result)));
}

function printTables() {
	const names = wanted.filter((o) => !isRelay(o) && !isRest(o)).map((o) => o.name);
	const rests = wanted.filter(isRest).map((o) => o.name);
	const relayed = wanted.filter(isRelay).map((o) => o.name);
	if (options.syscalls) {
		const calls = (result, name) => number(result.syscalls[name]);
		table("Router: system calls per operation", names, calls);
		table("Router with 8 workers that nobody uses: system calls per second", rests, calls);
		table("Relay: system calls per broadcast", relayed, calls, relays);
		return;
	}
	table("Router: µs of CPU per operation (ratio to sioinit)", names, cost("router"));
	table("Workers: µs of CPU per operation (ratio to sioinit)", names, cost("worker"));
	table("Both: µs of CPU per operation (ratio to sioinit)", names, cost("both"));
	table("Relay: µs of CPU per broadcast (ratio to the floor)", relayed, cost("router", relayFloor), relays);
	if (operations.some((o) => appOf(o) === "echo" && names.includes(o.name)))
		table("Router: per idle tunnel, of 1000", Object.keys(idleTunnels), (result, name) => idleTunnels[name](result) ?? "–");
	if (rests.length) printRest();
	if (options.operation) return;
	table("Router, idle", Object.keys(idle), (result, name) => idle[name](result) ?? "–");
	table("Requests that failed; a session ends with its first", correctness.variants.map((v) => v.name), failures);
	printInstallSizes();
}

const wanted = operations.filter((o) => matches(options.operation, o.name));
const chosen = peers.filter((peer) => matches(options.peer, peer.name));
const routers = chosen.filter((peer) => peer.start), relays = chosen.filter((peer) => peer.startMembers);

async function main() {
	for (let round = 0; round < rounds; round++) {
		for (const peer of shuffled(routers)) {
			process.stderr.write(`round ${round + 1} of ${rounds}: ${peer.name}\n`);
			for (const app of Object.keys(apps)) await runPeer(peer, app, round);
		}
		process.stderr.write(`round ${round + 1} of ${rounds}: relays\n`);
		for (const members of relay.counts) await runRelays(members);
	}
	printTables();
}

main().catch(async (error) => {
	console.error(error);
	await stopAll();
	process.exit(1);
});
