// What is tried with every peer, and the rows of the table it fills. A scenario gets the peer and gives its cells by row.
// `waits`: it mostly waits and may run beside others; `alone`: nothing else runs meanwhile.
const fs = require("fs");
const http = require("http");
const path = require("path");
const { cpuOf, freePort, sleep } = require("../processes.js");
const { connect, getMany, startLoad } = require("./clients.js");
const { stateOf, until, withPeer } = require("./namespace.js");

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const of = (part, all) => `${part} of ${all}`;
const unique = (list) => [...new Set(list)];
const endOf = async (run, ms) => {
	await Promise.race([run.ended, sleep(ms)]);
	return run.endedAt;
};
const serving = (peer, settings, body) => withPeer(peer, settings, async (run) => body(await run.untilServing()));
const optionsOf = (peer, scenario) => ({ options: peer.options?.[scenario] });

const orphans = (peer) =>
	serving(peer, {}, async (run) => {
		await run.ask(`/sh?script=${encodeURIComponent("i=0; while [ $i -lt 1000 ]; do sleep 601 & i=$((i + 1)); done")}`, 30000);
		const pids = await until(() => run.running("sleep 601").length === 1000 && run.running("sleep 601"), 30000);
		for (const pid of pids) process.kill(pid, "SIGKILL");
		await until(() => run.zombies() === 0, 5000);
		return { orphans: run.zombies() ? `${run.zombies()} zombies` : "all reaped" };
	});

function signalsOf(run) {
	const signals = run.events().filter((e) => e.what.startsWith("SIG"));
	const by = (pid) => signals.filter((e) => e.pid === pid).map((e) => e.what).join(", ") || "nothing";
	return unique(run.events("ready").map((e) => by(e.pid))).join("; ");
}

const stop = (peer) =>
	serving(peer, {}, async (run) => {
		run.signal("SIGTERM");
		const end = await endOf(run, 15000);
		return { stopSignal: signalsOf(run), stopTime: end ? seconds(end - run.signalledAt) : "not in 15 s", stopCode: run.code };
	});

const stubborn = (peer) =>
	serving(peer, { control: { stubborn: true } }, async (run) => {
		run.signal("SIGTERM");
		const end = await endOf(run, 40000);
		return { killTime: end ? seconds(end - run.signalledAt) : "never (seen for 40 s)", killCode: end ? run.code : "–" };
	});

const again = (peer) =>
	serving(peer, { control: { stubborn: true } }, async (run) => {
		const begin = Date.now();
		for (let i = 0; i < 3 && !run.endedAt; i++) {
			run.signal("SIGTERM");
			await endOf(run, 2000);
		}
		const end = await endOf(run, 36000);
		const signals = signalsOf(run);
		return { again: `gets ${signals}; ${end ? `ends after ${seconds(end - begin)} with ${run.code}` : "never ends"}` };
	});

// What a supervisor makes of a worker that ends at `begin`
async function replacement(run, begin) {
	const next = await until(() => run.endedAt || run.events("ready").find((e) => e.at >= begin), 15000);
	if (run.endedAt) return `ends with ${run.code}`;
	return next ? `replaced, ready after ${seconds(next.at - begin)}` : "15 s later: still running, without it";
}

const exit = (peer) =>
	serving(peer, {}, async (run) => {
		const begin = Date.now();
		await run.ask("/exit?code=42");
		return { exit: await replacement(run, begin) };
	});

const noRestart = (peer) =>
	serving(peer, { workers: 1, ...optionsOf(peer, "noRestart") }, async (run) => {
		const begin = Date.now();
		await run.ask("/exit?code=42");
		const end = await endOf(run, 25000);
		return { noRestart: end ? `ends with ${run.code} after ${seconds(end - begin)}` : "25 s later: still running" };
	});

const killed = (peer) =>
	serving(peer, {}, async (run) => {
		const begin = Date.now();
		process.kill(run.workerPids()[0], "SIGKILL");
		return { killed: await replacement(run, begin) };
	});

const crash = (row, control) => (peer) =>
	withPeer(peer, { workers: 1, control }, async (run) => {
		const begin = Date.now();
		const end = await endOf(run, 60000);
		const starts = run.events("start").length;
		return { [row]: `${starts} starts, ${end ? `ends with ${run.code} after ${seconds(end - begin)}` : "goes on"}` };
	});

// Ten at a time
async function connectAll(port, count) {
	const clients = [];
	while (clients.length < count) clients.push(...(await Promise.all(Array.from({ length: 10 }, () => connect(port)))));
	return clients;
}

const booting = (peer) =>
	serving(peer, {}, async (run) => {
		for (let i = 0; i < 10 && peer.has.includes("websockets"); i++) await connect(run.port);
		run.setControl({ bootMs: 3000 });
		const before = run.events("start").length;
		process.kill(run.workerPids()[0], "SIGKILL");
		if (!(await until(() => run.events("start").length > before, 15000))) return { booting: "no replacement" };
		const answers = await getMany(run.port, 20);
		const late = answers.filter((a) => a.ok && a.ms > 1000).length;
		const failed = answers.filter((a) => !a.ok).length;
		return { booting: `${late} wait for it, ${failed} fail` };
	});

const statusOf = (port, path) =>
	new Promise((resolve) => {
		http.get({ host: "127.0.0.1", port, path, agent: false }, (res) => resolve(res.resume().statusCode)).on("error", () => resolve(0));
	});

const readiness = (peer) =>
	withPeer(peer, { control: { bootMs: 2000, stubborn: true } }, async (run) => {
		await until(() => run.events("start").length, 5000);
		const early = await until(() => statusOf(run.admin, "/readyz"), 2000);
		await run.untilServing();
		const late = await until(async () => (await statusOf(run.admin, "/readyz")) === 200 && 200, 5000);
		run.signal("SIGTERM");
		const stopping = await until(async () => (await statusOf(run.admin, "/readyz")) === 503 && 503, 2000);
		return { readiness: `/readyz: ${early} while booting, ${late}, ${stopping} after SIGTERM` };
	});

const reload = (peer) =>
	serving(peer, {}, async (run) => {
		const load = startLoad(run.port);
		await sleep(500);
		const begin = Date.now();
		const done = await run.reload();
		const ms = Date.now() - begin;
		await sleep(500);
		const { failed, requests } = await load.stop();
		return { reload: `${of(failed, requests)}; ${done ? `done in ${seconds(ms)}` : "not done in 40 s"}` };
	});

const broken = (peer) =>
	serving(peer, {}, async (run) => {
		run.setControl({ version: 2, throwAtStart: true });
		await peer.reload(run);
		await sleep(10000);
		const answers = await getMany(run.port, 20, { timeout: 3000 });
		const old = answers.filter((a) => a.json?.version === 1).length;
		return { broken: `${of(old, 20)} answered by the old version${run.endedAt ? `; ended with ${run.code}` : ""}` };
	});

const hang = (peer) =>
	serving(peer, {}, async (run) => {
		const begin = Date.now();
		run.ask("/hang", 60000);
		await sleep(3000);
		const answers = await getMany(run.port, 10, { timeout: 2000 });
		const next = await until(() => run.events("ready").find((e) => e.at > begin), 40000);
		const lost = answers.filter((a) => !a.ok).length;
		const healed = next ? `replaced after ${seconds(next.at - begin)}` : "never replaced (seen for 45 s)";
		return { hang: `${lost} of 10 requests time out after 3 s; ${healed}` };
	});

const memory = (peer) =>
	serving(peer, optionsOf(peer, "memory"), async (run) => {
		const begin = Date.now();
		const load = startLoad(run.port);
		await run.ask("/eat?mb=300");
		const next = await until(() => run.events("ready").find((e) => e.at > begin), 45000);
		await sleep(1000);
		const { failed, requests } = await load.stop();
		return { memory: next ? `replaced after ${seconds(next.at - begin)}; ${of(failed, requests)} requests fail` : "not replaced in 45 s" };
	});

// cgroup v1, as the cgroup of the namespace's creator
const cgroups = "/sys/fs/cgroup/cpu";
async function quota(peer) {
	const folder = path.join(cgroups, `supervision-${process.pid}-${peer.name.replace(/\W/g, "")}`);
	try {
		fs.mkdirSync(folder);
		fs.writeFileSync(path.join(folder, "cpu.cfs_quota_us"), "100000");
	} catch {
		return { quota: "not run" };
	}
	try {
		return await withPeer(peer, { workers: "max", cgroup: folder }, async (run) => {
			await run.untilServing(1);
			await sleep(2000);
			return { quota: run.events("ready").length };
		});
	} finally {
		await until(() => !fs.readFileSync(path.join(folder, "cgroup.procs"), "utf8"), 5000);
		fs.rmdirSync(folder);
	}
}

const usr1 = async (peer) =>
	serving(peer, { extraEnv: { NODE_OPTIONS: `--inspect-port=${await freePort()}` } }, async (run) => {
		run.signal("SIGUSR1");
		const inApp = await until(async () => (await run.ask("/inspector", 3000)).json?.url, 4000);
		if (inApp) return { usr1: "inspector of the app opens" };
		if (/Debugger listening/.test(run.stdout + run.stderr)) return { usr1: "inspector of the supervisor opens" };
		return { usr1: run.endedAt ? `ends with ${run.code}` : "no inspector" };
	});

const daemon = `/sh?script=${encodeURIComponent("setsid sleep 602 & sleep 0.1")}`;

const leftAtStop = (peer) =>
	serving(peer, { isChild: true }, async (run) => {
		await run.ask(daemon);
		run.signal("SIGTERM");
		await until(() => !stateOf(run.pid) || stateOf(run.pid) === "Z", 20000);
		await sleep(1000);
		return { leftAtStop: run.running("sleep 602").length ? "left" : "ended" };
	});

const leftAtKill = (peer) =>
	serving(peer, { isChild: true }, async (run) => {
		await run.ask(daemon);
		const workers = run.workerPids();
		run.signal("SIGKILL");
		await sleep(2000);
		const left = workers.filter((pid) => stateOf(pid) && stateOf(pid) !== "Z").length;
		const grandchildren = run.running("sleep 602").length;
		return { leftAtKill: `${of(left, workers.length)} workers and ${of(grandchildren, 1)} grandchildren left` };
	});

const texts = {
	colours: "\x1b[31mred\x1b[0m",
	"bytes that are no UTF-8": "<\xff\xfe\x80>",
	"a line of 100 kB": "long ".repeat(20000),
	"blank lines": "<\n\n\n>",
	"a line without an end": "<the end>",
};

const output = (peer) =>
	serving(peer, {}, async (run) => {
		fs.writeFileSync(path.join(run.dir, "text"), Object.values(texts).join("\n"), "latin1");
		await run.ask("/write");
		const intact = (name) => run.stdout.includes(texts[name]) && run.stderr.includes(texts[name]);
		await until(() => Object.keys(texts).every(intact), 2000);
		const changed = Object.keys(texts).filter((name) => !intact(name));
		const rest = Object.values(texts).reduce((out, part) => out.replace(part, ""), run.stdout).trim();
		const how = changed.length ? `not as written: ${changed.join(", ")}` : "as written";
		return { output: rest ? `${how}; its own lines on stdout` : how };
	});

// The field of smaps_rollup, of all together
function megabytes(pids, field) {
	const kB = (pid) => Number(new RegExp(`^${field}: +(\\d+)`, "m").exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]);
	return (pids.reduce((sum, pid) => sum + kB(pid), 0) / 1024).toFixed(1);
}

const idle = (peer) =>
	serving(peer, {}, async (run) => {
		await sleep(4000);
		const pids = run.supervisorPids();
		const begin = cpuOf(pids);
		await sleep(20000);
		const used = cpuOf(pids) - begin;
		const memoryUse = `${megabytes(pids, "Rss")} / ${megabytes(pids, "Pss")} MB, processes: ${pids.length}`;
		return { memoryUse, cpuUse: `${(used / 1000).toFixed(1)} ms` };
	});

function mostWithin(times, ms) {
	return Math.max(...times.map((from) => times.filter((t) => t >= from && t < from + ms).length));
}

const websockets = (peer) =>
	serving(peer, {}, async (run) => {
		const clients = (await connectAll(run.port, 200)).filter(Boolean);
		run.reload();
		const times = await Promise.race([Promise.all(clients.map((c) => c.closed)), sleep(40000)]);
		if (!times) return { websockets: "not all closed in 40 s" };
		const spread = Math.max(...times) - Math.min(...times);
		const lost = clients.length < 200 ? `; ${200 - clients.length} could not connect` : "";
		return { websockets: `over ${seconds(spread)}, at most ${mostWithin(times, 100)} within 0.1 s${lost}` };
	});

const everyone = () => true;
const only = (peer, scenario) => peer.has.includes(scenario);

module.exports = {
	scenarios: [
		{ name: "orphans", run: orphans, alone: true, for: everyone },
		{ name: "stop", run: stop, alone: true, for: everyone },
		{ name: "stubborn", run: stubborn, waits: true, for: everyone },
		{ name: "again", run: again, waits: true, for: everyone },
		{ name: "exit", run: exit, alone: true },
		{ name: "noRestart", run: noRestart, waits: true },
		{ name: "killed", run: killed, alone: true },
		{ name: "crashEarly", run: crash("crashEarly", { exitAtStart: 78 }), waits: true },
		{ name: "crashLate", run: crash("crashLate", { exitAfterMs: 500 }), waits: true, for: (peer) => only(peer, "crashEarly") },
		{ name: "booting", run: booting },
		{ name: "readiness", run: readiness },
		{ name: "reload", run: reload, alone: true },
		{ name: "broken", run: broken, waits: true },
		{ name: "hang", run: hang, waits: true },
		{ name: "memory", run: memory, waits: true },
		{ name: "quota", run: quota },
		{ name: "usr1", run: usr1, for: everyone },
		{ name: "leftAtStop", run: leftAtStop, for: everyone },
		{ name: "leftAtKill", run: leftAtKill, for: everyone },
		{ name: "output", run: output, for: everyone },
		{ name: "idle", run: idle, waits: true, for: everyone },
		{ name: "websockets", run: websockets, alone: true },
	].map((scenario) => ({ for: (peer) => only(peer, scenario.name), ...scenario })),
	rows: {
		orphans: "1000 orphans that end at once",
		stopSignal: "SIGTERM: what every worker gets",
		stopTime: "clean stop: time",
		stopCode: "clean stop: exit code",
		killTime: "worker that ignores it: SIGKILL after",
		killCode: "then: exit code",
		again: "the same, SIGTERM again after 2 s and 4 s",
		exit: "worker exits with 42",
		noRestart: "the same, told not to restart",
		killed: "worker killed with -9",
		crashEarly: "worker exits with 78 at its start, in 60 s",
		crashLate: "worker exits with 78 half a second after it serves, in 60 s",
		booting: "20 requests while one of two workers boots (3 s), the other has sessions",
		readiness: "readiness",
		reload: "reload under load: failed requests",
		broken: "reload to a version that throws: 10 s later",
		hang: "a worker's event loop hangs",
		memory: "a worker has 300 MB more, with a limit of 200 MB",
		quota: "workers (max) with a quota of 1 CPU out of 2 (cgroup v1)",
		usr1: "SIGUSR1",
		leftAtStop: "setsid grandchild after SIGTERM, when not PID 1",
		leftAtKill: "after SIGKILL of it, when not PID 1",
		output: "what a worker writes (colours, bytes, 100 kB lines)",
		memoryUse: "memory, idle (RSS / PSS)",
		cpuUse: "CPU in 20 s, idle",
		websockets: "200 WebSockets at a reload: closed",
	},
};
