// How processes are started: programs that cannot be, signals, limits, names.
const test = require("node:test");
const assert = require("node:assert");
const { spawn, spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, freePort, routerOf, childOf } = require("./harness");

const bin = process.env.BIN_UNDER_TEST;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
test.after(() => fs.rmSync(folder, { recursive: true }));

function program(name, content) {
	const file = path.join(folder, name);
	fs.writeFileSync(file, content, { mode: 0o755 });
	return file;
}

// A real program of this machine, changed.
function changed(name, change) {
	const bytes = fs.readFileSync("/bin/true");
	change(bytes);
	return program(name, bytes);
}

function renameLoader(bytes, to) {
	const at = bytes.indexOf("/lib64/ld-linux");
	assert.ok(at > 0);
	const end = bytes.indexOf(0, at);
	bytes.fill(0, at, end);
	bytes.write(to.slice(0, end - at), at);
}

const failing = [
	["a missing interpreter", () => program("ruby", "#!/no/such/ruby -w\n"), 127, /ruby: its interpreter \/no\/such\/ruby \(#!\) is missing: install it/],
	["the line ends of Windows", () => program("crlf", "#!/bin/sh\r\necho\r\n"), 127, /crlf: its interpreter \(#!\) is .*\/bin\/sh.*line ends of Windows/],
	...(process.arch === "x64" && fs.readFileSync("/bin/true").includes("/lib64/ld-linux") ? [
		["a program of Alpine", () => changed("musl", (b) => renameLoader(b, "/lib/ld-musl-riscv64.so.1")), 127, /musl: its loader \/lib\/ld-musl-riscv64\.so\.1 is missing: it was built on Alpine/],
		["a program that wants glibc", () => changed("glibc", (b) => renameLoader(b, "/lib65/ld-linux-x86-64.so.2")), 127, /glibc: its loader \/lib65\/ld-linux-x86-64\.so\.2 is missing: it was built for glibc, which Alpine/],
		["a program for another machine", () => changed("other", (b) => b.writeUInt16LE(2, 18)), 126, /other: built for another machine, which this machine does not run/],
	] : []),
];
for (const [name, make, code, line] of failing)
	test(`cannot be executed: ${name}`, { timeout: 60000 }, async () => {
		const file = make();
		for (const env of [{ SIOINIT_RESTART: "never" }, { SIOINIT_RESTART_DELAY: "0.01" }, { SIOINIT_STOP_EXIT_CODES: `${code}` }]) {
			const ended = await run([file], { SIOINIT_WORKERS: "2", SIOINIT_PORT: await freePort(), SIOINIT_ADMIN: "off", ...env });
			assert.strictEqual(ended.code, code, ended.out);
			assert.match(ended.out, line);
			assert.ok(ended.out.split("cannot start").length <= 11, ended.out);
		}
	});

test("a file without #! is the shell's", async () => {
	const { code, out } = await run([program("plain", "echo from the shell: $1; exit 7\n"), "word"], { SIOINIT_WORKERS: "1", SIOINIT_RESTART: "never", SIOINIT_PORT: await freePort(), SIOINIT_ADMIN: "off" });
	assert.strictEqual(code, 7, out);
	assert.match(out, /from the shell: word/);
});

// Signals

const mask = (pid, field) => BigInt(`0x${new RegExp(`^${field}:\\s*(\\w+)`, "m").exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1]}`);

test("started with every signal blocked: SIGTERM works, and workers start with none", { skip: spawnSync("python3", ["-c", ""]).status !== 0 && "no python3", timeout: 60000 }, async () => {
	process.env.BIN_UNDER_TEST = "python3";
	const blocked = "import os,signal,sys; signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); os.execv(sys.argv[1], sys.argv[1:])";
	try {
		const s = await start(["-c", blocked, bin, "sh", "-c", "node supervised.js; echo after"], { SIOINIT_WORKERS: "1" });
		const worker = childOf(s.pid, "SIOINIT_SLOT=0");
		const masks = [mask(worker, "SigBlk"), mask(worker, "SigIgn"), mask(s.pid, "SigBlk")];
		assert.strictEqual(await s.stop(), 0, s.log);
		assert.deepStrictEqual(masks, [0n, 0n, 0n]);
	} finally {
		process.env.BIN_UNDER_TEST = bin;
	}
});

// It is pending across exec(2), and ours would end us before there is a handler.
test("a signal that comes before sioinit is ready for it is not lost", { skip: spawnSync("unshare", ["--pid", "--fork", "--kill-child", "python3", "-c", ""]).status !== 0 && "no pid namespaces here", timeout: 60000 }, async () => {
	const pending = "import os,signal,sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); os.kill(os.getpid(), signal.SIGTERM); os.execv(sys.argv[1], sys.argv[1:])";
	const port = await freePort();
	const p = spawn("unshare", ["--pid", "--fork", "--kill-child", "python3", "-c", pending, bin, "supervised.js"], { cwd: path.join(__dirname, "fixtures"), env: { ...process.env, SIOINIT_WORKERS: "1", SIOINIT_PORT: port, SIOINIT_ADMIN: "off" } });
	let log = "";
	p.stderr.on("data", (d) => (log += d));
	const code = await new Promise((resolve) => p.on("close", resolve));
	assert.strictEqual(code, 0, log);
	assert.match(log, /SIGTERM, stopping/);
});

// Limits

test("too few descriptors are one line and exit 78, at once", { timeout: 60000 }, async () => {
	for (const n of [4, 8, 16, 40]) {
		const begun = Date.now();
		const p = spawnSync("sh", ["-c", `ulimit -n ${n}; exec "$0" supervised.js`, bin], { encoding: "utf8", timeout: 20000, env: { ...process.env, SIOINIT_PORT: await freePort(), SIOINIT_ADMIN: "off", SIOINIT_WORKERS: "1" }, cwd: path.join(__dirname, "fixtures") });
		assert.strictEqual(p.status, 78, p.stderr);
		assert.strictEqual(p.stderr.trim().split("\n").length, 1, p.stderr);
		assert.match(p.stderr, new RegExp(`the limit of open files is ${n}, .*ulimit -n`));
		assert.ok(Date.now() - begun < 5000);
	}
});

const limit = (pid) => /^Max open files\s+(\d+)\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/limits`, "utf8")).slice(1).map(Number);

test("workers have the limit of descriptors that sioinit was given; sioinit and its router have more", { timeout: 60000 }, async () => {
	process.env.BIN_UNDER_TEST = "sh";
	try {
		const s = await start(["-c", `ulimit -n 2000; ulimit -Sn 200; exec "$0" sh -c "node supervised.js; echo after"`, bin], { SIOINIT_WORKERS: "1" });
		const seen = [childOf(s.pid, "SIOINIT_SLOT=0"), s.pid, routerOf(s.pid)].map(limit);
		assert.strictEqual(await s.stop(), 0, s.log);
		assert.deepStrictEqual(seen, [[200, 2000], [2000, 2000], [2000, 2000]]);
	} finally {
		process.env.BIN_UNDER_TEST = bin;
	}
});

test("SIOINIT_WORKER_*: limits, umask, nice, oom_score_adj", { timeout: 60000 }, async () => {
	const env = { SIOINIT_WORKERS: "1", SIOINIT_RESTART: "never", SIOINIT_PORT: await freePort(), SIOINIT_ADMIN: "off" };
	const show = ["sh", "-c", "echo values $(nice) $(umask) $(ulimit -Sn) $(ulimit -Hn) $(ulimit -c) $(cat /proc/self/oom_score_adj)"];
	const own = Number(fs.readFileSync("/proc/self/oom_score_adj", "utf8"));
	const set = await run(show, { ...env, SIOINIT_WORKER_RLIMITS: "nofile=300:400,core=0", SIOINIT_WORKER_NICE: "7", SIOINIT_WORKER_UMASK: "027", SIOINIT_WORKER_OOM_SCORE_ADJ: `${own + 123}` });
	assert.match(set.out, new RegExp(`^values 7 0?027 300 400 0 ${own + 123}$`, "m"));
	const unset = await run(show, env);
	assert.match(unset.out, new RegExp(`^values ${os.getPriority()} .* ${Math.min(own + 50, 1000)}$`, "m"));
	const refused = await run(show, { ...env, SIOINIT_WORKER_RLIMITS: "nofile=4000000000" });
	assert.strictEqual(refused.code, 78, refused.out);
	assert.match(refused.out, /cannot start: SIOINIT_WORKER_RLIMITS /);
});

test("the kernel takes a worker before sioinit or its router", { timeout: 60000 }, async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1" });
	const score = (pid) => Number(fs.readFileSync(`/proc/${pid}/oom_score`, "utf8"));
	const [worker, init, router] = [childOf(s.pid, "SIOINIT_SLOT=0"), s.pid, routerOf(s.pid)].map(score);
	await s.stop();
	assert.ok(worker > init && worker > router, `${worker} ${init} ${router}`);
});

test("ps, top and pgrep tell init and router apart", { timeout: 60000 }, async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1" });
	const read = (pid, file) => fs.readFileSync(`/proc/${pid}/${file}`, "utf8");
	const router = routerOf(s.pid);
	const names = [read(s.pid, "comm"), read(router, "comm"), read(router, "cmdline")];
	await s.stop();
	assert.deepStrictEqual(names, ["sioinit\n", "sioinit: router\n", "sioinit: router\0"]);
});
