// Workers that do not say by themselves how they are: health checks, and processes that are stopped.
const test = require("node:test");
const assert = require("node:assert");
const { execFileSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, get, until, works, routerOf } = require("./harness");

const python = ["/usr/bin/python3", "python3"].find((file) => works(file, "-c", "import aiohttp"));
const quick = { SIOINIT_WORKERS: "2", SIOINIT_PING_INTERVAL: "0.1", SIOINIT_WORKER_HEALTH_PATH: "/well", SIOINIT_WORKER_HEALTH_INTERVAL: "0.1", SIOINIT_LAG_WARN: "0" };

async function serving(args, env, use) {
	const s = await start(args, env);
	try {
		await use(s);
	} catch (err) {
		err.message += `\n${s.log}`;
		throw err;
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

async function whoAt(s, url = "/") {
	const r = await get(s.port, url);
	assert.strictEqual(r.status, 200);
	return JSON.parse(r.body);
}
const said = (s, what) => until(async () => s.log.match(what), String(what));
const isGone = (s, pid) => said(s, new RegExp(`ended pid=${pid} signal=KILL`));
const turns = (slot, from, to) => new RegExp(`worker\\[${slot}\\]: ${from} -> ${to}`);

async function othersServe(s, pid) {
	for (let i = 0; i < 10; i++) assert.notStrictEqual((await whoAt(s)).pid, pid);
}
const servesAgain = (s, pid) => until(async () => (await whoAt(s)).pid === pid, `a request to ${pid}`);
const metric = async (s, name) => Number(String((await get(s.admin, "/metrics")).body).match(new RegExp(`^${name} (.*)$`, "m"))[1]);

const hanging = [
	["a port, Node", ["unwell.js"], { SIOINIT_DISPATCH: "port" }],
	["a socket, Node", ["unwell.js"], { SIOINIT_DISPATCH: "unix" }],
	["a port, aiohttp", ["--", python, "unwell.py"], {}, !python && "no aiohttp"],
];
for (const [what, args, env, skip] of hanging)
	test(`a hanging event loop behind ${what}: no new sessions, replaced in time`, { skip, timeout: 60000 }, () =>
		serving(args, { ...quick, SIOINIT_LAG_WARN: "0.7", SIOINIT_HANG_TIMEOUT: "2.5", ...env }, async (s) => {
			const { pid, slot } = await whoAt(s, "/hang");
			await said(s, turns(slot, "ready", "suspect"));
			await othersServe(s, pid);
			const [, took] = await said(s, new RegExp(`worker\\[${slot}\\]: health path has not answered for (\\d\\.\\d)s \\(SIOINIT_HANG_TIMEOUT\\), killed pid=${pid}`));
			assert.ok(took >= 2.5 && took < 6, took);
			await until(async () => (await whoAt(s)).slot === slot, "its successor");
			assert.strictEqual(await metric(s, "sioinit_worker_hangs_total"), 1);
		}));

test("one that is to say where it hangs is asked first", { timeout: 30000 }, () =>
	serving(["unwell.js"], { ...quick, SIOINIT_DISPATCH: "port", SIOINIT_HANG_TIMEOUT: "1", SIOINIT_HANG_SIGNAL: "ABRT" }, async (s) => {
		const hung = await whoAt(s, "/hang");
		await said(s, new RegExp(`ended pid=${hung.pid} signal=ABRT`));
	}));

for (const [dispatch, env] of [["port"], ["unix"], ["listen"], ["sticky", { STICKY: "@socket.io/sticky" }]])
	test(`503 at the health path: out of balancing, and back (${dispatch})`, { timeout: 30000 }, () =>
		serving(["unwell.js"], { ...quick, SIOINIT_DISPATCH: dispatch, ...env }, async (s) => {
			const ill = await whoAt(s, "/says?503");
			await said(s, new RegExp(`worker\\[${ill.slot}\\]: is not well, /well answers 503 \\(SIOINIT_WORKER_HEALTH_PATH\\)`));
			await said(s, turns(ill.slot, "ready", "suspect"));
			await othersServe(s, ill.pid);
			process.kill(ill.pid, "SIGUSR2");
			await said(s, turns(ill.slot, "suspect", "ready"));
			await servesAgain(s, ill.pid);
			assert.strictEqual(await metric(s, "sioinit_worker_hangs_total"), 0);
		}));

test("nobody at the port: out of balancing until somebody is", { timeout: 30000 }, () =>
	serving(["unwell.js"], { ...quick, SIOINIT_DISPATCH: "port" }, async (s) => {
		const away = await whoAt(s, "/away?4000"); // longer than a SYN that was lost takes to be sent again
		await said(s, new RegExp(`worker\\[${away.slot}\\]: is not well, no answer to /well`));
		await said(s, turns(away.slot, "suspect", "ready"));
		await servesAgain(s, away.pid);
	}));

test("Node that answers pings, but not its health path, is not killed", { timeout: 30000 }, () =>
	serving(["unwell.js"], { ...quick, SIOINIT_LAG_WARN: "0.7", SIOINIT_HANG_TIMEOUT: "1.5" }, async (s) => {
		const mute = await whoAt(s, "/mute");
		await said(s, turns(mute.slot, "ready", "suspect"));
		await othersServe(s, mute.pid);
		const hung = await whoAt(s, "/hang"); // which takes longer than the mute one has been silent
		await said(s, new RegExp(`event loop has not answered for .*killed pid=${hung.pid}`));
		await isGone(s, hung.pid);
		assert.doesNotMatch(s.log, new RegExp(`killed pid=${mute.pid}`));
	}));

test("what the health path takes is the lag of workers that are not pinged", { timeout: 30000 }, () =>
	serving(["unwell.js"], { ...quick, SIOINIT_DISPATCH: "port", WELL_TAKES: "150" }, async (s) => {
		const lag = await until(() => metric(s, 'sioinit_worker_event_loop_lag_seconds\\{worker="0"\\}'), "a lag");
		assert.ok(lag >= 0.14 && lag < 1, lag);
	}));

test("a router that dies with an open question says nothing against the worker", { timeout: 60000 }, () =>
	serving(["unwell.js"], { ...quick, SIOINIT_DISPATCH: "port", SIOINIT_LAG_WARN: "0.5", SIOINIT_HANG_TIMEOUT: "3", SIOINIT_ROUTERS: "2" }, async (s) => {
		const hung = await whoAt(s, "/hang");
		await said(s, turns(hung.slot, "ready", "suspect"));
		const killed = Date.now();
		process.kill(routerOf(s.pid), "SIGKILL");
		await said(s, /router\[0\] ended/);
		await said(s, new RegExp(`killed pid=${hung.pid}`));
		assert.ok(Date.now() - killed >= 3000, "asked anew");
		await isGone(s, hung.pid);
	}));

const stopped = [
	["Node, a port each", ["unwell.js"], { SIOINIT_DISPATCH: "port" }],
	["Node under node:cluster", ["unwell.js"], {}],
	["aiohttp", ["--", python, "unwell.py"], {}, !python && "no aiohttp"],
];
for (const [what, args, env, skip] of stopped)
	test(`SIGSTOP takes a worker out of balancing, SIGCONT brings it back: ${what}`, { skip, timeout: 30000 }, () =>
		serving(args, { SIOINIT_WORKERS: "2", SIOINIT_PING_INTERVAL: "0", ...env }, async (s) => {
			const { pid, slot } = await whoAt(s);
			process.kill(pid, "SIGSTOP");
			await said(s, new RegExp(`worker\\[${slot}\\]: stopped by SIGSTOP pid=${pid}`));
			await said(s, turns(slot, "ready", "suspect"));
			await othersServe(s, pid);
			process.kill(pid, "SIGCONT");
			await said(s, turns(slot, "suspect", "ready"));
			await servesAgain(s, pid);
		}));

test("a C program that stays stopped is replaced", { skip: !works("cc", "--version") && "no C compiler", timeout: 30000 }, async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-e2e-"));
	const server = path.join(dir, "echo");
	execFileSync("cc", ["-o", server, path.join(__dirname, "fixtures/echo.c")]);
	await serving(["--", server], { SIOINIT_WORKERS: "2", SIOINIT_PING_INTERVAL: "0.1", SIOINIT_HANG_TIMEOUT: "1" }, async (s) => {
		const [pid] = String((await get(s.port, "/")).body).split(" ");
		process.kill(Number(pid), "SIGTSTP");
		await said(s, new RegExp(`has been stopped for 1\\.\\ds \\(SIOINIT_HANG_TIMEOUT\\), killed pid=${pid}`));
		await isGone(s, pid);
		for (let i = 0; i < 4; i++) assert.strictEqual((await get(s.port, "/")).status, 200);
		assert.strictEqual(await metric(s, "sioinit_worker_hangs_total"), 1);
	}).finally(() => fs.rmSync(dir, { recursive: true }));
});
