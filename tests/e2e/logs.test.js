// What workers and sioinit write, and where it arrives.
const test = require("node:test");
const assert = require("node:assert");
const { spawn } = require("child_process");
const fs = require("fs");
const path = require("path");
const { start, get, until, freePort } = require("./harness");

const json = (text) => text.trim().split("\n").map((line) => JSON.parse(line));

test("raw: a worker's stdout is sioinit's own, and so is a stderr that goes to the same place", async () => {
	const same = (pid, other, fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`) === fs.readlinkSync(`/proc/${other}/fd/${fd}`);
	const s = await start(["talker.js"], { SIOINIT_WORKERS: "1" });
	try {
		const { pid } = JSON.parse((await get(s.port, "/")).body);
		assert.ok(same(pid, s.pid, 1) && !same(pid, s.pid, 2));
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
	const [port, admin] = [await freePort(), await freePort()];
	const env = { ...process.env, SIOINIT_PORT: port, SIOINIT_ADMIN: admin, SIOINIT_WORKERS: "1", BIN: process.env.BIN_UNDER_TEST };
	const p = spawn("sh", ["-c", 'exec "$BIN" talker.js 2>&1'], { env, cwd: path.join(__dirname, "fixtures"), stdio: ["ignore", "pipe", "inherit"] });
	const ended = new Promise((resolve) => p.on("exit", resolve));
	p.stdout.resume();
	try {
		const { pid } = JSON.parse((await until(() => get(port, "/").then((r) => r.status === 200 && r), "the worker")).body);
		assert.ok(same(pid, p.pid, 1) && same(pid, p.pid, 2));
	} finally {
		p.kill("SIGTERM");
		assert.strictEqual(await ended, 0);
	}
});

test("raw: stderr is passed on byte for byte, at once", async () => {
	const s = await start(["talker.js"], { SIOINIT_WORKERS: "1" });
	const bytes = [];
	s.stderr.on("data", (d) => bytes.push(d));
	const written = async (what) => JSON.parse((await get(s.port, what)).body).bytes;
	const has = (hex) => until(async () => Buffer.concat(bytes).includes(Buffer.from(hex, "hex")), "the bytes");
	try {
		await has(await written("/bytes?0")); // no UTF-8, colours, NUL, no line's end
		await has(await written("/bytes?300000"));
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("prefix: every line is whole and has its slot, whoever else writes", async () => {
	const s = await start(["talker.js"], { SIOINIT_WORKERS: "2", SIOINIT_WORKER_LOGS: "prefix" });
	const asked = new Set();
	while (asked.size < 2) asked.add(JSON.parse((await get(s.port, "/")).body).slot);
	const answers = await Promise.all(Array.from({ length: 4 }, () => get(s.port, "/lines?400")));
	const expected = answers.length * 400;
	assert.strictEqual(await s.stop(), 0);
	const lines = s.out.trim().split("\n");
	assert.strictEqual(lines.length, expected);
	for (const line of lines) assert.match(line, /^\[(\d)\] \1:\d+:(\d)\2{5999}$/);
});

test("json: lines become objects, objects stay, nothing that a dying worker says is lost", async () => {
	const s = await start(["talker.js"], { SIOINIT_WORKERS: "1", SIOINIT_WORKER_LOGS: "json", SIOINIT_LOG_FORMAT: "json" });
	const { pid } = JSON.parse((await get(s.port, "/object")).body);
	await get(s.port, "/error");
	await get(s.port, "/lines?1");
	await get(s.port, "/last").catch(() => {});
	await until(async () => s.log.includes(`ended pid=${pid}`), "its end");
	assert.strictEqual(await s.stop(), 0);
	const [object, line] = json(s.out);
	assert.deepStrictEqual(object, { level: 30, msg: "object", worker: 0, pid, stream: "stdout" });
	assert.deepStrictEqual({ ...line, time: 0 }, { time: 0, level: "info", msg: `0:0:${"0".repeat(6000)}`, worker: 0, pid, stream: "stdout" });
	const log = json(s.log);
	for (const msg of ["an error", "last words"]) {
		const { time, ...rest } = log.find((l) => l.msg === msg);
		assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60000);
		assert.deepStrictEqual(rest, { level: "error", msg, worker: 0, pid, stream: "stderr" });
	}
	const own = log.find((l) => l.msg.includes("serving on port"));
	assert.strictEqual(own.component, "init");
	assert.strictEqual(own.level, "info");
	assert.match(own.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

// A pipe that nobody reads, as behind a log collector that hangs; later it is read again.
for (const kind of ["socket", "pipe"])
	test(`a ${kind} that takes nothing stops nobody, and the loss is told`, async () => {
		const port = await freePort();
		const admin = await freePort();
		const env = { ...process.env, SIOINIT_PORT: port, SIOINIT_ADMIN: admin, SIOINIT_WORKERS: "1", SIOINIT_WORKER_LOGS: "prefix", SIOINIT_HANG_TIMEOUT: "5", BIN: process.env.BIN_UNDER_TEST };
		const options = { env, cwd: path.join(__dirname, "fixtures") };
		const go = path.join(fs.mkdtempSync("/tmp/sioinit-"), "go");
		const late = `while [ ! -e ${go} ]; do sleep 0.1; done; exec cat`;
		const p = kind === "socket" ? spawn(env.BIN, ["talker.js"], options) : spawn("sh", ["-c", `"$BIN" talker.js | { ${late}; }`], options);
		let log = "";
		let out = "";
		const read = () => {
			p.stdout.on("data", (d) => (out += d));
			fs.writeFileSync(go, "");
		};
		p.stderr.on("data", (d) => (log += d));
		const ended = new Promise((resolve) => p.on("close", resolve));
		try {
			await until(async () => (await get(port, "/")).status === 200, "the worker");
			await get(port, "/lines?1000");
			assert.strictEqual((await get(admin, "/livez")).status, 200);
			assert.strictEqual((await get(port, "/")).status, 200);
			assert.doesNotMatch(log, /left out/);
			read();
			await until(async () => /logs: \d+ lines left out: stdout took nothing/.test(log), "the note");
			await get(port, "/lines?1");
			await until(async () => out.endsWith("0\n"), "the last line");
			for (const line of out.trim().split("\n")) assert.match(line, /^\[0\] 0:\d+:(\d)\1{5999}$/);
			const left = Number(/logs: (\d+) lines/.exec(log)[1]);
			await until(async () => out.trim().split("\n").length + left === 1001, "every other line");
		} finally {
			const { pid } = /pid=(?<pid>\d+)/.exec(log).groups;
			const parent = Number(/PPid:\t(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
			process.kill(parent, "SIGTERM");
			await ended;
			fs.rmSync(path.dirname(go), { recursive: true });
		}
	});
