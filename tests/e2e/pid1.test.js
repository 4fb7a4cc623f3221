// sioinit as PID 1 of a namespace of its own: orphans, signals, exit codes, and bare surroundings.
const test = require("node:test");
const assert = require("node:assert");
const { spawn, spawnSync } = require("child_process");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const { get, until, freePort, children } = require("./harness");

const namespace = ["--pid", "--fork", "--mount-proc", "--kill-child"];
const skip = spawnSync("unshare", [...namespace, "true"]).status !== 0 && "no pid namespaces here";

// `exec` is shell that prepares what sioinit is born into, up to its command line.
async function start(env = {}, exec = "exec") {
	const [port, admin] = [await freePort(), await freePort()];
	const p = spawn("unshare", [...namespace, "sh", "-c", `${exec} "$0" pid1.js`, process.env.BIN_UNDER_TEST], {
		env: { ...process.env, SIOINIT_WORKERS: "1", SIOINIT_PORT: port, SIOINIT_ADMIN: admin, ...env },
		cwd: path.join(__dirname, "fixtures"),
	});
	const self = { port, log: "" };
	p.stdout.on("data", (d) => (self.log += d));
	p.stderr.on("data", (d) => (self.log += d));
	self.ended = new Promise((resolve) => p.on("exit", (code, signal) => resolve(code ?? signal)));
	self.ask = async (action, query = {}) => JSON.parse((await get(port, `/${action}?${new URLSearchParams(query)}`)).body);
	self.stop = async () => {
		const timer = setTimeout(() => p.kill("SIGKILL"), 15000);
		if (p.exitCode === null) process.kill(self.pid, "SIGTERM");
		const code = await self.ended;
		clearTimeout(timer);
		return code;
	};
	try {
		await until(() => get(admin, "/readyz").then((r) => r.status === 200), "ready");
		[self.pid] = children(p.pid);
	} catch (err) {
		p.kill("SIGKILL");
		throw new Error(`${err.message}\n${self.log}`, { cause: err });
	}
	return self;
}

// Runs `body` and expects an orderly end.
async function live(env, exec, body) {
	const s = await start(env, exec);
	try {
		await body(s);
	} finally {
		assert.strictEqual(await s.stop(), 0, s.log);
	}
}

test("reaps a thousand orphans that end at once", { skip, timeout: 90000 }, () =>
	live({}, "exec", async (s) => {
		const before = 2; // worker and router; `node --version` is gone soon
		await until(async () => children(s.pid).length === before, "nobody else");
		const group = await s.ask("sh", { script: "i=0; while [ $i -lt 1000 ]; do sleep 600 & i=$((i + 1)); done" });
		assert.strictEqual(children(s.pid).length, before + 1000);
		await s.ask("kill", { pid: -group.pid, signal: "SIGKILL" });
		await until(async () => children(s.pid).length === before, "no orphan, no zombie");
		assert.ok((await s.ask("")).pid);
	}));

test("reaps what has forked twice to get away", { skip, timeout: 60000 }, () =>
	live({}, "exec", async (s) => {
		const { out: pid } = await s.ask("sh", { script: "(setsid sleep 600 >/dev/null & echo $!)" });
		assert.strictEqual((await s.ask("stat", { pid })).parent, 1);
		await s.ask("kill", { pid, signal: "SIGKILL" });
		await until(async () => (await s.ask("stat", { pid })).state === "gone", "the orphan is reaped");
	}));

const unhandled = { ASAN_OPTIONS: ["segv", "sigbus", "sigill", "sigfpe", "abort", "sigtrap"].map((name) => `handle_${name}=0`).join(":") };

test("no signal ends it but those that should", { skip, timeout: 60000 }, () =>
	live(unhandled, "exec", async (s) => {
		const deadly = ["SIGKILL", "SIGSTOP", "SIGTERM", "SIGINT", "SIGQUIT"];
		for (const signal of ["SIGKILL", "SIGSTOP"]) await s.ask("kill", { pid: 1, signal });
		process.kill(s.pid, "SIGUSR2");
		await until(async () => (await s.ask("")).usr2 === 1, "USR2 is passed on");
		for (const signal of Object.keys(os.constants.signals).filter((name) => !deadly.includes(name))) process.kill(s.pid, signal);
		await until(() => s.ask(""), "a worker serves, whatever became of the one that got them all");
	}));

for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"])
	test(`${signal} is an orderly end`, { skip, timeout: 60000 }, async () => {
		const s = await start();
		process.kill(s.pid, signal);
		assert.strictEqual(await s.ended, 0, s.log);
	});

test("its own worker may end it", { skip, timeout: 60000 }, async () => {
	const s = await start();
	await s.ask("kill", { pid: 1, signal: "SIGTERM" }).catch(() => {});
	assert.strictEqual(await s.ended, 0, s.log);
});

test("passes the worker's exit code on", { skip, timeout: 60000 }, async () => {
	const s = await start({ SIOINIT_RESTART: "never" });
	await s.ask("exit", { code: 42 }).catch(() => {});
	assert.strictEqual(await s.ended, 42, s.log);
	const killed = await start({ SIOINIT_RESTART: "never" });
	const { pid } = await killed.ask("");
	await killed.ask("kill", { pid, signal: "SIGKILL" }).catch(() => {});
	assert.strictEqual(await killed.ended, 137, killed.log);
});

const surroundings = {
	"without stdin": "exec <&-; exec",
	"without HOME": "unset HOME; exec",
	"with next to no environment": 'exec env -i PATH="$PATH" SIOINIT_WORKERS=1 SIOINIT_PORT=$SIOINIT_PORT SIOINIT_ADMIN=$SIOINIT_ADMIN',
	"with all signals ignored": "trap '' HUP INT QUIT USR1 USR2 PIPE ALRM TERM CHLD; exec",
	"with a umask that allows nothing": "umask 777; exec",
};
for (const [name, exec] of Object.entries(surroundings))
	test(`lives ${name}`, { skip, timeout: 60000 }, () =>
		live({}, exec, async (s) => {
			for (let i = 0; i < 3; i++) assert.ok((await s.ask("")).pid);
		}));

test("nothing of its own takes the place of a closed stdout or stderr", { skip, timeout: 60000 }, () =>
	live({}, "exec <&- >&- 2>&-; exec", async (s) => {
		assert.ok((await s.ask("")).pid);
		for (const pid of [s.pid, ...children(s.pid)])
			for (const fd of [0, 1, 2]) assert.strictEqual(fs.readlinkSync(`/proc/${pid}/fd/${fd}`), "/dev/null");
	}));

test("lives with 64 descriptors, and more clients than that", { skip, timeout: 60000 }, () =>
	live({}, "ulimit -n 64; exec", async (s) => {
		const clients = Array.from({ length: 100 }, () => net.connect(s.port, "127.0.0.1").on("error", () => {}));
		await until(async () => clients.every((c) => !c.connecting), "all are in the backlog at least");
		for (const c of clients) c.destroy();
		await until(() => s.ask(""), "an answer");
	}));

test("lives with a huge environment and passes it on", { skip, timeout: 60000 }, () => {
	const huge = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`HUGE_${i}`, String(i).repeat(100000 / String(i).length)]));
	return live(huge, "exec", async (s) => {
		const env = await s.ask("env");
		for (const [name, value] of Object.entries(huge)) assert.strictEqual(env[name], value);
	});
});

test("nothing of the service manager reaches a worker", { skip, timeout: 60000 }, () => {
	const managers = { LISTEN_FDS: "1", LISTEN_PID: "1", LISTEN_FDNAMES: "other", LISTEN_PIDFDID: "1", NOTIFY_SOCKET: "/run/sioinit-test", WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" };
	return live({ ...managers, KEPT: "yes" }, "exec 3</dev/null; exec", async (s) => {
		const env = await s.ask("env");
		assert.strictEqual(env.KEPT, "yes");
		assert.deepStrictEqual(Object.keys(env).filter((name) => /^(LISTEN|NOTIFY|WATCHDOG)_/.test(name)), []);
		assert.deepStrictEqual(Object.keys(env).filter((name) => /^SIOINIT_/.test(name)).sort(), ["SIOINIT_SLOT", "SIOINIT_WORKERS"]);
	});
});
