// What a worker's process is given: user, rights, a heap of its size; and what runs before it.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const { spawn } = require("child_process");
const { start, run, get, until, freePort, routerOf } = require("./harness");

const status = (pid, key) => new RegExp(`^${key}:\\s*(.*)$`, "m").exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1].trim().split(/\s+/);
const isRoot = process.getuid() === 0;
const isGone = async (pid) => !fs.existsSync(`/proc/${pid}`) || status(pid, "State")[0] === "Z";

// Where anybody may read it: a checkout may lie in somebody's own folder.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
fs.copyFileSync(path.join(__dirname, "fixtures/supervised.js"), path.join(folder, "supervised.js"));
fs.chmodSync(folder, 0o755);
test.after(() => fs.rmSync(folder, { recursive: true }));

test("SIOINIT_USER: workers and router are nobody, and die with sioinit", { skip: !isRoot && "only root can" }, async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_USER: "nobody", SIOINIT_NO_NEW_PRIVS: "1", HOME: "/root" }, folder);
	try {
		const { pid, env } = JSON.parse((await get(s.port, "/env")).body);
		const nobody = /^nobody:[^:]*:(\d+):(\d+):[^:]*:([^:]*)/m.exec(fs.readFileSync("/etc/passwd", "utf8"));
		for (const p of [pid, routerOf(s.pid)]) {
			assert.deepStrictEqual(status(p, "Uid"), Array(4).fill(nobody[1]));
			assert.deepStrictEqual(status(p, "Gid"), Array(4).fill(nobody[2]));
			assert.deepStrictEqual(status(p, "CapEff"), ["0".repeat(16)]);
		}
		assert.deepStrictEqual(status(pid, "NoNewPrivs"), ["1"]);
		assert.deepStrictEqual([env.HOME, env.USER, env.LOGNAME], [nobody[3], "nobody", "nobody"]);
		process.kill(s.pid, "SIGKILL");
		await s.ended;
		await until(() => isGone(pid), "the worker's death");
	} finally {
		await s.stop();
	}
});

function upgraded(port) {
	return new Promise((resolve, reject) => {
		const s = net.connect(port, "127.0.0.1");
		s.on("error", reject);
		s.write("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
		s.once("data", () => resolve(s));
	});
}

// Containers have no CAP_SYS_PTRACE.
test("SIOINIT_USER: its sockets, too, are closed one after another", { skip: !isRoot && "only root can" }, async () => {
	const bin = process.env.BIN_UNDER_TEST;
	process.env.BIN_UNDER_TEST = "setpriv";
	try {
		const s = await start(["--bounding-set=-sys_ptrace", bin, "supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_USER: "nobody", SIOINIT_DRAIN_TIME: "1" }, folder);
		const sockets = await Promise.all(Array.from({ length: 40 }, () => upgraded(s.port)));
		const closed = Promise.all(sockets.map((c) => new Promise((resolve) => c.on("close", () => resolve(Date.now())))));
		assert.strictEqual(await s.stop(), 0);
		const at = (await closed).sort((a, b) => a - b);
		assert.ok(at[39] - at[0] > 500, `all within ${at[39] - at[0]} ms`);
	} finally {
		process.env.BIN_UNDER_TEST = bin;
	}
});

test("a user that cannot be is one clear line and exit 78", async () => {
	const { code, out } = await run(["supervised.js"], { SIOINIT_USER: "no-such-user" });
	assert.strictEqual(code, 78);
	assert.match(out, /SIOINIT_USER=\\"no-such-user\\": no such user/);
});

// A sioinit that is not waited for; .log has all it says.
async function begin(args, env) {
	const port = await freePort();
	const admin = await freePort();
	const p = spawn(process.env.BIN_UNDER_TEST, args, { env: { ...process.env, SIOINIT_PORT: port, SIOINIT_ADMIN: admin, SIOINIT_WORKERS: "1", ...env }, cwd: folder });
	const self = { pid: p.pid, port, admin, log: "", out: "" };
	p.stdout.on("data", (d) => (self.out += d));
	p.stderr.on("data", (d) => (self.log += d));
	self.ended = new Promise((resolve) => p.on("close", (code, signal) => resolve(code ?? signal)));
	return self;
}

test("SIOINIT_PRE_START: first it, then the workers; alive but not ready meanwhile", async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	fs.chmodSync(dir, 0o777);
	const go = path.join(dir, "go");
	const s = await begin(["supervised.js"], { SIOINIT_PRE_START: `echo user $(id -u) stdin $(readlink /proc/self/fd/0); while [ ! -e ${go} ]; do sleep 0.05; done; echo migrated >&2`, SIOINIT_WORKER_LOGS: "prefix", ...(isRoot && { SIOINIT_USER: "nobody" }) });
	try {
		await until(async () => s.out, "the command");
		await until(async () => (await get(s.admin, "/livez")).status === 200, "alive");
		assert.strictEqual((await get(s.admin, "/readyz")).status, 503);
		assert.strictEqual((await get(s.port, "/")).status, 503);
		for (const sig of ["SIGHUP", "SIGTTIN"]) {
			process.kill(s.pid, sig);
			await until(() => s.log.includes(`${sig} does nothing`), `the word on ${sig}`);
		}
		fs.writeFileSync(go, "");
		await until(async () => (await get(s.port, "/")).status === 200, "the worker");
		assert.strictEqual(s.out, `user ${isRoot ? 65534 : process.getuid()} stdin /dev/null\n`);
		assert.match(s.log, /^migrated$/m);
		assert.match(s.log, /serving on port \d+ with 1 workers/);
		assert.doesNotMatch(s.log, /reload/);
	} finally {
		process.kill(s.pid, "SIGTERM");
		assert.strictEqual(await s.ended, 0);
		fs.rmSync(dir, { recursive: true });
	}
});

test("SIOINIT_PRE_START that fails is the end, with its exit code, and nothing is started", async () => {
	for (const [command, code] of [["exit 5", 5], ["kill -KILL $$", 137], ["no-such-command", 127]]) {
		const s = await begin(["supervised.js"], { SIOINIT_PRE_START: command });
		assert.strictEqual(await s.ended, code);
		assert.match(s.log, new RegExp(`SIOINIT_PRE_START ended with ${code}; nothing is started`));
		assert.doesNotMatch(s.log, /worker\[/);
	}
});

test("SIGTERM during SIOINIT_PRE_START reaches it, and its end is told", async () => {
	for (const [command, code] of [["trap 'exit 0' TERM", 0], ["trap 'exit 9' TERM", 9], [":", 143], ["trap '' TERM", 137]]) {
		const s = await begin(["supervised.js"], { SIOINIT_PRE_START: `${command}; echo go; while :; do sleep 0.05; done`, SIOINIT_STOP_TIMEOUT: "0.5" });
		await until(async () => s.out, "the command");
		process.kill(s.pid, "SIGTERM");
		assert.strictEqual(await s.ended, code, command);
		assert.doesNotMatch(s.log, /worker\[/);
	}
});
