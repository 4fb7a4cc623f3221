// What several routers cost and what they bring, in one run with nginx and HAProxy; prints Markdown. See README.md.
//   node scaling.js [--routers N] [--rounds N] [--ms N] [--share PART] [--binary SIOINIT] [--subject TEXT]...
// Throughput wants cgroup v1's cpu controller and root, so that each router can be given a part of a core.
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const { parseArgs } = require("util");
const applyLoad = require("./load.js");
const { childrenOf, cpuOf, freePort, start, stopAll, untilServing } = require("./processes.js");
const quota = require("./quota.js");
const nginx = require("./peers/nginx.js");
const haproxy = require("./peers/haproxy.js");

const { values: options } = parseArgs({
	options: { routers: { type: "string" }, rounds: { type: "string" }, ms: { type: "string" }, share: { type: "string" }, binary: { type: "string" }, subject: { type: "string", multiple: true } },
});
const most = Number(options.routers || 4), rounds = Number(options.rounds || 3), windowMs = Number(options.ms || 900);
const share = Number(options.share || 0.2);
const SERVERS = 2;

const operations = [
	{ name: "connect", load: "connect", conns: 32 },
	{ name: "poll GET", load: "poll", conns: 64 },
	{ name: "POST 200 B", load: "post", conns: 64, parameter: 200 },
];

const binaries = path.resolve(__dirname, "../build/release");
const program = (name) => path.join(binaries, "bench", name);
const best = (numbers) => Math.max(...numbers); // a second in which a SYN is lost is not the router's
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

// sd_listen_fds(3): one socket for all routers. LISTEN_PID has to be the pid of who it is for.
function startWithSocket(env, command) {
	const server = net.createServer();
	return new Promise((resolve) => server.listen({ port: env.SIOINIT_PORT, host: "127.0.0.1", backlog: 4096 }, () => {
		const child = start("sh", ["-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", ...command], env, [server._handle.fd]);
		server.close();
		resolve(child);
	}));
}

async function sioinit({ port }, n, shared) {
	const env = { SIOINIT_PORT: port, SIOINIT_ADMIN: "off", SIOINIT_ADMIN_SOCKET: "off", SIOINIT_WORKERS: SERVERS, SIOINIT_ROUTERS: n, SIOINIT_BACKLOG: 4096, SIOINIT_DISPATCH: "port" };
	const command = [options.binary || path.join(binaries, "sioinit"), program("bench-upstream"), "{port}"];
	const init = shared ? await startWithSocket(env, command) : start(command[0], command.slice(1), env);
	const workers = await untilServing(port, SERVERS);
	return childrenOf(init.pid).filter((pid) => !workers.includes(pid));
}

async function servers() {
	const ports = await Promise.all(Array.from({ length: SERVERS }, freePort));
	for (const port of ports) start(program("bench-upstream"), [port]);
	await Promise.all(ports.map((port) => untilServing(port, 1)));
	return ports;
}

const upTo = (n) => Array.from({ length: n }, (_, i) => i + 1);
const all = [
	...upTo(most).map((n) => ({ name: `sioinit, ${n}`, n, serve: (place) => sioinit(place, n, false) })),
	...upTo(most).map((n) => ({ name: `sioinit, ${n}, one socket`, n, serve: (place) => sioinit(place, n, true) })),
	...upTo(2).map((n) => ({ name: `nginx, ${n}`, n, serve: async (place) => (await nginx.serve(place, await servers(), n)).slice(1) })),
	...upTo(2).map((n) => ({ name: `HAProxy, ${n}`, n, serve: async (place) => haproxy.serve(place, await servers(), n) })),
];
const subjects = all.filter(({ name }) => !options.subject || options.subject.some((text) => name.includes(text)));

const results = new Map(subjects.map((subject) => [subject, { cost: {}, rate: {}, failed: 0 }]));
const add = (table, key, value) => (table[key] ||= []).push(value);

// undefined when the sessions did not open
async function load(subject, port, operation, ms, before = () => {}, after = () => {}) {
	try {
		const done = await applyLoad(program("bench-load"), port, operation, ms, before, after);
		results.get(subject).failed += done.failed;
		return done;
	} catch (error) {
		console.error(`${subject.name}: ${operation.name}: ${error.message}`);
	}
}

async function measure(subject, port, routers) {
	const { cost, rate } = results.get(subject);
	for (const operation of operations) {
		let before, after;
		const done = await load(subject, port, operation, windowMs, () => (before = cpuOf(routers)), () => (after = cpuOf(routers)));
		if (done) add(cost, operation.name, (after - before) / done.operations);
	}
	const limits = quota.available && quota.limit(routers, share);
	for (const operation of limits ? operations : []) {
		const done = await load(subject, port, operation, 2 * windowMs);
		if (done) add(rate, operation.name, (done.operations * 1000) / done.ms);
	}
	return limits;
}

async function run(subject) {
	const place = { port: await freePort(), dir: fs.mkdtempSync(path.join(os.tmpdir(), "bench-")) };
	let limits;
	try {
		limits = await measure(subject, place.port, await subject.serve(place));
	} finally {
		await stopAll();
		if (limits) await limits.remove();
		fs.rmSync(place.dir, { recursive: true });
	}
}

function table(title, digits, one, of) {
	console.log(`\n${title}\n`);
	console.log(`| | ${operations.map((o) => o.name).join(" | ")} |\n|---|${"---|".repeat(operations.length)}`);
	for (const subject of subjects) {
		const cells = operations.map(({ name }) => of(results.get(subject))[name]).map((values) => (values ? one(values).toFixed(digits) : "–"));
		console.log(`| ${subject.name} | ${cells.join(" | ")} |`);
	}
}

async function main() {
	for (let round = 1; round <= rounds; round++)
		for (const subject of subjects.map((s) => [Math.random(), s]).sort(([a], [b]) => a - b).map(([, s]) => s)) {
			process.stderr.write(`round ${round} of ${rounds}: ${subject.name}\n`);
			await run(subject);
		}
	table("µs of router CPU per operation", 1, median, (result) => result.cost);
	if (quota.available) table(`Operations per second, each router or thread with ${share} of a core`, 0, best, (result) => result.rate);
	else console.log("\nThroughput: not run, no cpu controller that could be written to");
	const failed = [...results].filter(([, result]) => result.failed).map(([subject, result]) => `${subject.name}: ${result.failed}`);
	if (failed.length) console.log(`\nFailed operations: ${failed.join("; ")}`);
}

main().catch(async (error) => {
	console.error(error);
	await stopAll();
	process.exit(1);
});
