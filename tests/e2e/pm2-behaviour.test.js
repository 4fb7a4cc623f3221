// pm2's keys that are behaviours, with real workers: the stop, times, logs in files, restarts.
const test = require("node:test");
const assert = require("node:assert");
const { execFileSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, get, until, freePort, children } = require("./harness");

const script = path.join(__dirname, "fixtures", "pm2-behaviour", "server.js");

// Runs fn with a folder of its own and an ecosystem file in it.
async function withApps(apps, fn) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-pm2-"));
	const file = path.join(dir, "ecosystem.json");
	const whole = apps.map((a) => ({ name: "app", script, cwd: dir, kill_timeout: 5000, ...a }));

	fs.writeFileSync(file, JSON.stringify({ apps: whole }));
	try {
		await fn(file, dir);
	} finally {
		fs.rmSync(dir, { recursive: true });
	}
}

// The same, started; stopped in the end.
const withApp = (app, fn, env) => withApps([app], async (file, dir) => {
	const s = await start([file], env);
	try {
		await fn(s, dir);
	} finally {
		await s.stop();
	}
});

const read = (dir, name) => fs.readFileSync(path.join(dir, name), "utf8");
const told = async (s, url = "/") => JSON.parse((await get(s.port, url)).body);
// A POST: what is not answered is not asked again.
const end = (s, code) => get(s.port, `/exit?code=${code}`, { method: "POST" }).catch(() => {});
const writerOf = (pid) => children(pid).find((p) => fs.readFileSync(`/proc/${p}/comm`, "utf8") === "sioinit: logs\n");

test("shutdown_with_message: reload and stop ask by message", async () => {
	await withApp({ instances: 2, exec_mode: "cluster", shutdown_with_message: true }, async (s) => {
		process.kill(s.pid, "SIGHUP");
		await until(() => s.log.includes("reload done"), "a reload");
		assert.strictEqual(s.out.split("asked to shut down").length - 1, 2);
		assert.strictEqual(await s.stop(), 0);
		assert.strictEqual(s.out.split("asked to shut down").length - 1, 4);
		assert.ok(!s.log.includes("SIGINT instead"));
	});
});

test("a worker without a channel gets the signal, and a line says so", async () => {
	const sh = ["--", "sh", "-c", "trap 'exit 0' TERM; python3 -m http.server -b 127.0.0.1 $PORT & wait"];
	const s = await start(["--workers", "1", "--stop-message", "shutdown", "--dispatch", "port", ...sh]);
	assert.strictEqual(await s.stop(), 0);
	assert.match(s.log, /nobody reads an IPC channel there, so it is stopped by SIGTERM instead of SIOINIT_STOP_MESSAGE/);
});

test("cron_restart replaces the workers while they serve, and runs a job again", async () => {
	const job = { name: "job", script: "sh", args: ["-c", "echo job"], interpreter: "none", autorestart: false, cron_restart: "* * * * * *" };
	await withApps([{ cron_restart: "*/2 * * * * *", instances: 1, exec_mode: "cluster" }, job], async (file) => {
		const s = await start([file]);
		try {
			assert.match(s.log, /replaced next at \d+-/);
			const { pid } = await told(s);
			await until(async () => (await told(s)).pid !== pid, "another worker");
			assert.ok(!s.log.includes("ended with"), "no worker is lost");
			await until(() => s.out.split("job").length > 2, "the job, twice");
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	});
	const r = await run(["check", "--cron-restart", "0 25 * * *", script]);
	assert.strictEqual(r.code, 78);
	assert.match(r.out, /cron-restart.*not a cron expression: five fields/);
});

test("log files: one for each worker, dated, beside stdout, and opened anew", async () => {
	const app = { instances: 2, exec_mode: "cluster", out_file: "new/out.log", error_file: "err.log", log_file: "all.txt", time: true };
	const socket = { SIOINIT_ADMIN_SOCKET: path.join(os.tmpdir(), `sioinit-logs-${process.pid}`) };
	await withApp(app, async (s, dir) => {
		const { slot } = await told(s, "/say?out=one%0Atwo%0A&err=three%0A");
		const out = `new/out-${slot}.log`, line = (t) => new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d: ${t}$`, "m");

		await until(() => line("two").test(read(dir, out)), "stdout in its file");
		await until(() => line("three").test(read(dir, `err-${slot}.log`)), "stderr in its file");
		for (const t of ["one", "three"]) await until(() => line(t).test(read(dir, "all.txt")), `${t} in the file of both`);
		assert.strictEqual(read(dir, "all.txt").split("begun").length - 1, 2);
		await until(() => line("two").test(s.out), "stdout has it as well");

		fs.renameSync(path.join(dir, out), path.join(dir, "moved"));
		process.kill(s.pid, "SIGUSR1");
		await until(() => fs.existsSync(path.join(dir, out)), "a new file");
		const before = writerOf(s.pid);
		process.kill(before, "SIGKILL");
		await until(() => ![undefined, before].includes(writerOf(s.pid)), "another writer");
		for (let i = 0; i < 2; i++) await get(s.port, "/say?out=four%0A");
		await until(() => fs.readdirSync(path.join(dir, "new")).some((f) => line("four").test(read(dir, `new/${f}`))), "the new file is written");

		fs.renameSync(path.join(dir, "all.txt"), path.join(dir, "moved-too"));
		assert.strictEqual((await run(["reload"], socket)).code, 0);
		await until(() => fs.existsSync(path.join(dir, "all.txt")), "a new file by sioinit reload", 5000);
		assert.strictEqual(await s.stop(), 0);
	}, socket);
});

test("the last words are in the file, merged, and none of it is lost", async () => {
	await withApp({ instances: 2, merge_logs: true, exec_mode: "cluster", out_file: "out.log", stop_exit_codes: [3] }, async (s, dir) => {
		const big = "x".repeat(3000);
		await Promise.all(Array.from({ length: 100 }, () => get(s.port, `/say?out=${big}%0A`)));
		assert.strictEqual(await s.stop(), 0);
		assert.strictEqual(read(dir, "out.log").split(`${big}\n`).length - 1, 100);
		assert.strictEqual(read(dir, "out.log"), s.out.replace(/^.*evaluated.*\n/m, ""));
	});
});

test("a file that cannot be opened ends the start with one line; disable_logs leaves nothing", async () => {
	const port = String(await freePort());
	const r = await run(["--log-out", "/proc/nowhere/x.log", script], { SIOINIT_ADMIN: "off", SIOINIT_PORT: port });
	assert.strictEqual(r.code, 78);
	assert.match(r.out, /SIOINIT_LOG_OUT=\W*\/proc\/nowhere\/x.log\W*: No such file or directory/);
	await withApp({ out_file: "out.log", disable_logs: true }, async (s, dir) => {
		await get(s.port, "/say?out=quiet%0A&err=quiet%0A");
		assert.strictEqual(await s.stop(), 0);
		assert.ok(!s.out.includes("quiet") && !s.log.includes("quiet"));
		assert.deepStrictEqual(fs.readdirSync(dir), ["ecosystem.json"]);
	});
});

test("a disk that is full, or takes nothing, stops nobody", async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-pm2-"));
	const fifo = path.join(dir, "fifo");
	execFileSync("mkfifo", [fifo]);
	const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK); // who never reads
	const s = await start(["--workers", "1", "--log-out", "/dev/full", "--log-err", fifo, script]);
	try {
		await get(s.port, "/say?out=lost%0A");
		await until(() => s.log.includes("/dev/full: No space left on device"), "the line about it");
		for (let i = 0; i < 60; i++) await get(s.port, `/say?err=${"y".repeat(8000)}%0A`);
		assert.strictEqual((await get(s.admin, "/livez")).status, 200);
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.closeSync(reader);
		fs.rmSync(dir, { recursive: true });
	}
});

test("autorestart: false: the others go on, and the first failure is the exit code", async () => {
	await withApp({ instances: 2, exec_mode: "cluster", autorestart: false }, async (s) => {
		await end(s, 7);
		await until(() => s.log.includes("done (SIOINIT_RESTART=once)"), "one is done");
		assert.strictEqual((await get(s.port, "/")).status, 200);
		await end(s, 0);
		assert.strictEqual(await s.ended, 7);
	});
});

test("wait_ready without a word: taken for ready at listen_timeout; restart_delay stays as it is", async () => {
	await withApp({ wait_ready: true, listen_timeout: 300, restart_delay: 50 }, async (s) => {
		assert.match(s.log, /has not called process.send\('ready'\) \(SIOINIT_WAIT_READY_TIMEOUT\)/);
		for (let i = 0; i < 3; i++) {
			const { pid } = await until(() => told(s), "a worker");
			await end(s, 1);
			await until(async () => (await told(s)).pid !== pid, "the next one");
		}
	});
});
