// Processes of a peer: starting and ending them, and what the kernel says about them.
const { spawn } = require("child_process");
const fs = require("fs");
const http = require("http");
const net = require("net");

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const read = (path) => {
	try {
		return fs.readFileSync(path, "utf8");
	} catch {
		return ""; // the process has ended
	}
};
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

const started = new Set();

// `fds`: what it finds as 3 and so on
function start(command, args, env = {}, fds = []) {
	const log = fs.openSync(process.env.BENCH_LOG || "/dev/null", "a");
	const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", log, log, ...fds] });
	fs.closeSync(log);
	child.ended = new Promise((resolve) => child.once("close", resolve).once("error", resolve));
	started.add(child);
	child.ended.then(() => started.delete(child));
	return child;
}

async function stopAll() {
	const children = [...started];
	for (const child of children) child.kill("SIGTERM");
	const timer = setTimeout(() => children.forEach((child) => child.kill("SIGKILL")), 3000);
	await Promise.all(children.map((child) => child.ended));
	clearTimeout(timer);
}

function freePort() {
	return new Promise((resolve, reject) => {
		const server = net.createServer().once("error", reject);
		server.listen(0, "127.0.0.1", () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

// The worker that answers, or undefined
function probe(port) {
	return new Promise((resolve) => {
		const request = http.get({ port, host: "127.0.0.1", path: "/plain", agent: false, timeout: 300 }, (res) => {
			res.resume();
			resolve(res.headers.worker);
		});
		request.once("error", () => resolve()).once("timeout", () => request.destroy());
	});
}

// Resolves with the workers when `count` of them have answered
async function untilServing(port, count) {
	const workers = new Set();
	for (const end = Date.now() + 15000; Date.now() < end; await sleep(20)) {
		const worker = await probe(port);
		if (worker) workers.add(Number(worker));
		if (workers.size >= count) return [...workers];
	}
	throw new Error(`port ${port}: ${workers.size} of ${count} workers serve`);
}

function childrenOf(pid) {
	return read(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

const threadsOf = (pid) => {
	try {
		return fs.readdirSync(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}`);
	} catch {
		return [];
	}
};

// Of those that we may run on
const lastCpu = () => /^Cpus_allowed_list:.*?(\d+)$/m.exec(read("/proc/self/status"))[1];

// Microseconds of CPU that these processes have had
const cpuOf = (pids) =>
	sum(pids.flatMap(threadsOf).map((task) => Number(read(`${task}/schedstat`).split(" ")[0]) / 1000));

const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] || 0);

const wakeupsOf = (pids) =>
	sum(pids.flatMap(threadsOf).map((task) => field(read(`${task}/status`), "voluntary_ctxt_switches")));

// kB: resident, and what is theirs alone
function memoryOf(pids) {
	const maps = pids.map((pid) => read(`/proc/${pid}/smaps_rollup`));
	return {
		rss: sum(maps.map((m) => field(m, "Rss"))),
		uss: sum(maps.map((m) => field(m, "Private_Clean") + field(m, "Private_Dirty"))),
	};
}

function descriptorsOf(pids) {
	return sum(pids.map((pid) => fs.readdirSync(`/proc/${pid}/fd`).length));
}

module.exports = { start, stopAll, freePort, untilServing, childrenOf, cpuOf, descriptorsOf, lastCpu, wakeupsOf, memoryOf, sleep };
