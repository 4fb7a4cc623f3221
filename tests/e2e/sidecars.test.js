// Processes beside the workers: what they are given, when they are started again, and their part of the end.
const test = require("node:test");
const assert = require("node:assert");
const { spawn, spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, get, until, freePort, children } = require("./harness");

const fixtures = path.join(__dirname, "fixtures");
const status = async (s) => JSON.parse((await get(s.admin, "/status")).body);
const sidecar = async (s, name) => (await status(s)).sidecars.find((one) => one.name === name);
const running = (s, name) => until(async () => {
	const one = await sidecar(s, name);
	return one.state === "running" && one;
}, `${name} runs`);
const said = (s, name) => s.out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)).filter((one) => one.sidecar === name);
const first = (s, name) => until(() => said(s, name)[0], `${name} speaks`);
const ask = (s, ...words) => {
	const r = spawnSync(process.env.BIN_UNDER_TEST, words, { env: { ...process.env, SIOINIT_ADMIN_SOCKET: s.socket }, encoding: "utf8" });
	return { code: r.status, text: r.stdout + r.stderr };
};

const temporary = () => fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));

async function live(env, body, args = ["plain.js"]) {
	const tmp = temporary(), socket = path.join(tmp, "admin");
	const s = await start(args, { SIOINIT_WORKERS: "1", SIOINIT_ADMIN_SOCKET: socket, ...env });
	s.socket = socket;
	let code;
	try {
		code = await body(s, tmp);
	} finally {
		const ended = await s.stop();
		fs.rmSync(tmp, { recursive: true });
		assert.strictEqual(ended, code ?? 0, s.log);
	}
	return s;
}

test("one has the environment, but nothing that is a worker's, and a group of its own", () =>
	live({ SIOINIT_SIDECAR_LOG_SHIPPER: "sidecar.js 'a b' --c=d", SHARED: "yes", PORT: "1" }, async (s) => {
		const { pid, what } = await first(s, "log_shipper");
		assert.deepStrictEqual(what.argv, ["a b", "--c=d"]);
		assert.strictEqual(what.cwd, fixtures);
		assert.strictEqual(what.env.SHARED, "yes");
		assert.strictEqual(what.pgid, pid);
		const others = Object.keys(what.env).filter((name) => /^(SIOINIT_|NODE_CHANNEL_|NODE_UNIQUE_ID|NODE_APP_INSTANCE|PORT$)/.test(name));
		assert.deepStrictEqual(others, ["SIOINIT_SIDECAR"]);
	}));

test("it is named in status, metrics and the record of deaths, and restarted by name", () =>
	live({ SIOINIT_SIDECAR_A: "sidecar.js" }, async (s) => {
		const { pid } = await first(s, "a");
		const one = await sidecar(s, "a");
		assert.deepStrictEqual({ pid: one.pid, state: one.state, starts: one.starts }, { pid, state: "running", starts: 1 });
		assert.match(ask(s, "status").text, new RegExp(`^a +${pid} running `, "m"));
		assert.match((await get(s.admin, "/metrics")).body.toString(), /^sioinit_sidecar_running\{sidecar="a"\} 1$/m);
		const [worker] = (await status(s)).workers;
		assert.strictEqual(ask(s, "restart", "a").code, 0);
		await until(async () => (await sidecar(s, "a")).starts === 2, "its next start");
		assert.strictEqual(said(s, "a").some((line) => line.pid === pid && line.what === "SIGTERM"), true);
		assert.match(ask(s, "logs", "--death").text, new RegExp(`sidecar\\[a\\]: ended pid=${pid} code=0 `));
		assert.strictEqual((await status(s)).workers[0].pid, worker.pid);
		assert.strictEqual(ask(s, "reload").code, 0);
		assert.notStrictEqual((await status(s)).workers[0].pid, worker.pid);
		assert.strictEqual((await sidecar(s, "a")).starts, 2, "a reload is for workers");
		const wrong = ask(s, "restart", "b");
		assert.strictEqual(wrong.code, 2);
		assert.match(wrong.text, /no app or slot "b" here, but plain, a/);
	}));

test("one that always fails comes later each time and takes nobody along", () =>
	live({ SIOINIT_SIDECAR_A: "sh -c 'exit 3'" }, async (s) => {
		await until(() => s.log.split("sidecar[a]: ended").length > 4, "four ends");
		const at = [...s.log.matchAll(/time=(\S+) .*sidecar\[a\]: started/g)].map((m) => Date.parse(m[1]));
		const pauses = at.slice(1).map((t, i) => t - at[i]);
		for (let i = 1; i < 3; i++) assert.ok(pauses[i] > pauses[i - 1], `${pauses}`);
		assert.ok(pauses[0] >= 80, `${pauses}`);
		assert.strictEqual((await get(s.port, "/")).status, 200);
		assert.strictEqual((await status(s)).phase, "serving");
	}));

test("max-restarts ends sioinit with its code", async () => {
	const s = await start(["plain.js"], { SIOINIT_WORKERS: "1", SIOINIT_MAX_RESTARTS: "2", SIOINIT_RESTART_DELAY: "0.3", SIOINIT_SIDECAR_A: "sh -c 'exit 9'" });
	assert.strictEqual(await s.ended, 9);
	assert.match(s.log, /sidecar\[a\] ended with 9; giving up \(SIOINIT_MAX_RESTARTS\)/);
});

test("a sidecar stops after the workers, and sioinit after it", async () => {
	const s = await live({ SIOINIT_SIDECAR_A: "sidecar.js", SLOW: "300" }, async (s) => {
		await first(s, "a");
	});
	const place = (what) => s.log.search(what);
	assert.ok(place(/worker\[0\]: \w+ -> dead/) > 0);
	assert.ok(place(/worker\[0\]: \w+ -> dead/) < place(/sidecar\[a\]: ended/), s.log);
	assert.ok(place(/sidecar\[a\]: ended/) < place(/init: done/), s.log);
	assert.strictEqual(said(s, "a").at(-1).what, "SIGTERM");
	assert.match(s.log, /sidecar\[a\]: ended pid=\d+ code=0/);
});

test("one that does not end is killed when the stop timeout is over, not later", async () => {
	const s = await start(["plain.js"], { SIOINIT_WORKERS: "1", SIOINIT_STOP_TIMEOUT: "2", SIOINIT_DRAIN_TIME: "0.1", SIOINIT_SIDECAR_A: "sidecar.js", SLOW: "for ever" });
	await first(s, "a");
	const begin = Date.now();
	assert.strictEqual(await s.stop(), 137);
	const took = Date.now() - begin;
	assert.ok(took >= 1900 && took < 4000, `${took} ms`);
	assert.match(s.log, /sidecar\[a\]: still there at the stop timeout, killed/);
	assert.match(s.log, /sidecar\[a\]: ended pid=\d+ signal=KILL/);
});

test("what a shell has started has its time, too", async () => {
	const s = await live({ SIOINIT_SIDECAR_A: "node sidecar.js; echo never", SLOW: "300" }, async (s) => {
		await first(s, "a");
	});
	assert.strictEqual(said(s, "a").at(-1).what, "SIGTERM");
	assert.ok(s.log.search(/sidecar\[a\]: ended pid=\d+ signal=TERM/) > 0, s.log);
	const at = (what) => Date.parse(s.log.match(new RegExp(`time=(\\S+) .*${what}`))[1]);
	assert.ok(at("init: done") - at("sidecar\\[a\\]: ended") >= 200, s.log);
});

test("a second signal stops both at once", async () => {
	const s = await start(["plain.js"], { SIOINIT_WORKERS: "1", SIOINIT_SHUTDOWN_DELAY: "30", SIOINIT_SIDECAR_A: "sidecar.js" });
	await first(s, "a");
	process.kill(s.pid, "SIGTERM");
	await until(() => s.log.includes("SIGTERM, stopping"), "the first");
	assert.strictEqual(await s.stop(), 0);
	assert.strictEqual(said(s, "a").at(-1).what, "SIGTERM");
});

test("its lines have its name", async () => {
	const command = "echo one line; echo another >&2; exec sleep 1000";
	const prefix = await live({ SIOINIT_WORKER_LOGS: "prefix", SIOINIT_SIDECAR_A: command }, (s) => until(() => s.out.includes("[a] one line\n") && s.log.includes("[a] another\n"), "both").then(() => 0));
	assert.ok(prefix);
	const s = await live({ SIOINIT_WORKER_LOGS: "json", SIOINIT_SIDECAR_A: command }, (s) => until(() => s.out.includes("one line"), "its line").then(() => 0));
	const { time, pid, ...rest } = JSON.parse(s.out.split("\n").find((line) => line.includes("one line")));
	assert.ok(time && pid);
	assert.deepStrictEqual(rest, { level: "info", msg: "one line", sidecar: "a", stream: "stdout" });
});

test("as whom the workers are", { skip: process.getuid() !== 0 && "not root" }, () =>
	live({ SIOINIT_USER: "65534", SIOINIT_SIDECAR_A: "sidecar.js" }, async (s) => {
		const { what } = await first(s, "a");
		assert.strictEqual(what.uid, 65534);
	}));

test("what cannot be run is said before anything is started", async () => {
	const off = { SIOINIT_ADMIN: "off", SIOINIT_PORT: String(await freePort()) };
	const none = await run(["plain.js"], { ...off, SIOINIT_SIDECAR_A: "no-such-program x" });
	assert.strictEqual(none.code, 127);
	assert.match(none.out, /sidecar a \(SIOINIT_SIDECAR_A\): no-such-program: no such program in PATH/);
	const script = await run(["--sidecar", "a=nowhere.js", "plain.js"], off);
	assert.strictEqual(script.code, 127);
	assert.match(script.out, /sidecar a \(--sidecar\): nowhere.js: no such file/);
	const quote = await run(["plain.js"], { ...off, SIOINIT_SIDECAR_A: "x 'y" });
	assert.strictEqual(quote.code, 78);
});

test("check and help name them", async () => {
	const r = await run(["check", "--sidecar", "b=x | y", "plain.js"], { SIOINIT_SIDECAR_A: "sidecar.js" });
	assert.ok(r.out.includes("SIOINIT_SIDECAR_A=sidecar.js (SIOINIT_SIDECAR_A)\nSIOINIT_SIDECAR_B=x | y (--sidecar)\n"), r.out);
	assert.match((await run(["--help"])).out, /--sidecar NAME=COMMAND/);
});

// Two apps as a pm2 user has them: the second with a directory, variables and policy of its own.
function ecosystem(tmp) {
	const other = path.join(tmp, "other"), file = path.join(tmp, "ecosystem.config.js");
	fs.mkdirSync(other);
	fs.copyFileSync(path.join(fixtures, "sidecar.js"), path.join(other, "jobs.js"));
	fs.writeFileSync(path.join(other, "once.sh"), "exit 3\n");
	fs.writeFileSync(file, `module.exports = { apps: [
		{ name: "mail-jobs", script: "jobs.js", args: ["x y"], cwd: ${JSON.stringify(other)}, env: { ONLY: "jobs", PORT: 3001 }, kill_timeout: 800, max_memory_restart: "1G" },
		{ name: "web", script: "plain.js", instances: 2, cwd: ${JSON.stringify(fixtures)}, env: { ONLY: "web", PORT: 3000 } },
		{ name: "once", script: "once.sh", cwd: ${JSON.stringify(other)}, autorestart: false },
	] };`);
	return file;
}

test("an ecosystem file: the cluster is routed to, the other apps run beside it", async () => {
	const tmp = temporary(), file = ecosystem(tmp);
	try {
		await live({ SIOINIT_WORKERS: "" }, async (s) => {
			const { what } = await first(s, "mail_jobs");
			assert.deepStrictEqual(what.argv, ["x y"]);
			assert.strictEqual(what.cwd, path.join(tmp, "other"));
			assert.strictEqual(what.env.ONLY, "jobs");
			assert.strictEqual(what.env.PORT, "3001");
			assert.strictEqual((await get(s.port, "/")).status, 200);
			const now = await until(async () => {
				const now = await status(s);
				return now.sidecars[1].state === "done" && now;
			}, "once is done");
			assert.strictEqual(now.workers.length, 2);
			assert.deepStrictEqual(now.sidecars.map((one) => [one.name, one.state, one.starts]), [["mail_jobs", "running", 1], ["once", "done", 1]]);
			assert.match(s.log, /clients are routed to app web; beside it: mail-jobs, once \(SIOINIT_ECOSYSTEM_APP runs one alone\)/);
			assert.match(s.log, /mail-jobs: no effect: max_memory_restart/);
		}, [file]);
		await live({ SIOINIT_WORKERS: "", SIOINIT_ECOSYSTEM_APP: "web" }, async (s) => {
			assert.deepStrictEqual((await status(s)).sidecars, []);
		}, [file]);
		const migrated = await run(["migrate", file]);
		const line = migrated.out.match(/^SIOINIT_SIDECAR_MAIL_JOBS=(.*)$/m)[1];
		assert.strictEqual(line, `cd ${path.join(tmp, "other")} && ONLY=jobs PORT=3001 node --enable-source-maps jobs.js 'x y'`);
		assert.match(migrated.out, /^SIOINIT_WORKERS=2$/m);
	} finally {
		fs.rmSync(tmp, { recursive: true });
	}
});

const namespace = ["--pid", "--fork", "--mount-proc", "--kill-child"];
const skip = spawnSync("unshare", [...namespace, "true"]).status !== 0 && "no pid namespaces here";

test("as PID 1: an orphan of a sidecar is reaped, and its end is waited for", { skip }, async () => {
	const [port, admin] = [await freePort(), await freePort()];
	const p = spawn("unshare", [...namespace, process.env.BIN_UNDER_TEST, "plain.js"], {
		env: { ...process.env, SIOINIT_WORKERS: "1", SIOINIT_PORT: port, SIOINIT_ADMIN: admin, SLOW: "300", SIOINIT_SIDECAR_A: "node sidecar.js & node sidecar.js" },
		cwd: fixtures,
	});
	const s = { out: "", log: "" };
	p.stdout.on("data", (d) => (s.out += d));
	p.stderr.on("data", (d) => (s.log += d));
	const ended = new Promise((resolve) => p.on("exit", resolve));
	try {
		await until(() => get(admin, "/readyz").then((r) => r.status === 200), "ready");
		await until(() => said(s, "a").length === 2, "both speak");
		process.kill(children(p.pid)[0], "SIGTERM");
		assert.strictEqual(await ended, 0, s.log);
		assert.strictEqual(said(s, "a").filter((one) => one.what === "SIGTERM").length, 2);
		assert.ok(s.log.includes("init: done code=0"), s.log);
	} finally {
		p.kill("SIGKILL");
	}
});
