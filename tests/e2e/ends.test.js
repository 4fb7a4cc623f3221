// Every end of a worker goes through the restart policy, however it came; and nothing is started once the stop has begun.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, get, until, freePort } = require("./harness");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ends-"));
test.after(() => fs.rmSync(folder, { recursive: true }));

let n = 0;
const fresh = (name) => path.join(folder, `${name}-${++n}`);
const startsIn = (file) => fs.readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number);

// To its end: its exit code, how many workers there were, and what it said.
async function runs(ENDS_BY, env) {
	const STARTS = fresh("starts");
	const r = await run(["ends.js"], { SIOINIT_PORT: await freePort(), SIOINIT_ADMIN: "off", SIOINIT_WORKERS: "1", ENDS_BY, STARTS, ...env });
	return { ...r, starts: startsIn(STARTS).length };
}

const ways = [["exit", 7], ["close", 7], ["throw", 1], ["disconnect", 0], ["leave", 0], ["kill", 137]];
for (const [way, code] of ways) {
	test(`${way}: never is never, and the exit code is the worker's`, async () => {
		const r = await runs(way, { SIOINIT_RESTART: "never" });
		assert.deepStrictEqual([r.code, r.starts], [code, 1], r.out);
		assert.match(r.out, /giving up \(SIOINIT_RESTART=never\)/);
	});
	test(`${way}: max-restarts`, async () => {
		const r = await runs(way, { SIOINIT_MAX_RESTARTS: "2", SIOINIT_RESTART_DELAY: "0.01" });
		assert.deepStrictEqual([r.code, r.starts], [code, 3], r.out);
		assert.match(r.out, /giving up \(SIOINIT_MAX_RESTARTS\)/);
	});
	test(`${way}: a loop of workers that were ready ends by start-limit`, async () => {
		const r = await runs(way, { SIOINIT_START_LIMIT: "3/60", SIOINIT_RESTART_DELAY: "0.01", SIOINIT_MIN_UPTIME: "0" });
		assert.deepStrictEqual([r.code, r.starts], [code, 4], r.out);
		assert.match(r.out, /giving up \(SIOINIT_START_LIMIT\)/);
	});
}

test("the pause grows with each end, however it came", async () => {
	for (const way of ["close", "leave"]) {
		const begin = Date.now();
		const r = await runs(way, { SIOINIT_START_LIMIT: "4/60", SIOINIT_RESTART_DELAY: "0.1" });
		assert.strictEqual(r.starts, 5);
		assert.ok(Date.now() - begin > 0.8 * (100 + 200 + 400 + 800), `${Date.now() - begin} ms`);
	}
});

test("a slot is filled again when its worker and its replacement both end", async () => {
	const STARTS = fresh("starts"), FAIL_FILE = fresh("fail");
	const s = await start(["ends.js"], { SIOINIT_WORKERS: "1", STARTS, FAIL_FILE, FAIL_AFTER: "300", SIOINIT_RESTART_DELAY: "0.2" });
	try {
		const serving = startsIn(STARTS)[0];
		fs.writeFileSync(FAIL_FILE, "");
		process.kill(s.pid, "SIGHUP");
		await until(() => startsIn(STARTS).length === 2, "the replacement boots");
		process.kill(serving, "SIGKILL");
		await until(() => s.log.split("code=9").length > 1, "the replacement fails");
		fs.unlinkSync(FAIL_FILE);
		await until(async () => (await get(s.port, "/")).status === 200, "the slot serves again");
		await until(async () => (await get(s.admin, "/readyz")).status === 200, "ready again");
	} finally {
		await s.stop();
	}
});

test("recycling that fails does so less and less often", async () => {
	const STARTS = fresh("starts"), FAIL_FILE = fresh("fail");
	const s = await start(["ends.js"], { SIOINIT_WORKERS: "1", STARTS, FAIL_FILE, SIOINIT_MAX_AGE: "1", SIOINIT_PING_INTERVAL: "0.1", SIOINIT_RESTART_DELAY: "0.5" });
	try {
		const begin = Date.now();
		fs.writeFileSync(FAIL_FILE, "");
		await until(() => s.log.split("its replacement ended").length - 1 === 3, "three failures");
		assert.ok(Date.now() - begin > 0.8 * (500 + 1000), `${Date.now() - begin} ms`);
		assert.strictEqual((await get(s.port, "/")).status, 200);
	} finally {
		await s.stop();
	}
});

test("the stop has the last word: nothing is started once it has begun", async () => {
	const STARTS = fresh("starts"), SIOINIT_ADMIN_SOCKET = fresh("socket");
	const s = await start(["ends.js"], { SIOINIT_WORKERS: "2", STARTS, SIOINIT_ADMIN_SOCKET, TERM_TAKES: "1500" });
	const before = startsIn(STARTS);
	assert.strictEqual(before.length, 2);
	process.kill(s.pid, "SIGTERM");
	await until(() => s.log.includes("stopping"), "the stop");
	for (const sig of ["SIGTTIN", "SIGHUP", "SIGTTIN"]) process.kill(s.pid, sig);
	for (const command of [["scale", "4"], ["reload"]]) assert.match((await run(command, { SIOINIT_ADMIN_SOCKET })).out, /stopping/);
	process.kill(before[0], "SIGKILL");
	assert.strictEqual(await s.ended, 0);
	assert.deepStrictEqual(startsIn(STARTS), before);
});
