// Who gets what has no session yet.
const test = require("node:test");
const assert = require("node:assert");
const { start, run, get, until, childOf } = require("./harness");

async function spread(port, n) {
	const times = [0, 0, 0];
	for (let i = 0; i < n; i++) times[Number((await get(port, "/")).body)]++;
	return times;
}

const status = async (s) => JSON.parse((await get(s.admin, "/status")).body);

async function balanced(env, use) {
	const s = await start(["busy.js"], { SIOINIT_WORKERS: "3", ...env });
	try {
		await use(s);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

for (const method of ["least-sessions", "round-robin"])
	test(`${method} goes round`, { timeout: 30000 }, () => balanced({ SIOINIT_BALANCE: method }, async (s) => assert.deepStrictEqual(await spread(s.port, 30), [10, 10, 10])));

for (const method of ["two-choices", "random"])
	test(`${method} reaches everybody`, { timeout: 30000 }, () =>
		balanced({ SIOINIT_BALANCE: method }, async (s) => {
			for (const n of await spread(s.port, 90)) assert.ok(n > 10, `${n} of 90`);
		}));

test("least-lag avoids a busy event loop", { timeout: 30000 }, () =>
	balanced({ SIOINIT_BALANCE: "least-lag", SIOINIT_PING_INTERVAL: "0.1", BUSY: "200" }, async (s) => {
		await until(async () => (await status(s)).workers[0].lag_s > 0.04, "lag");
		const [busy] = await spread(s.port, 60);
		assert.ok(busy < 10, `${busy} of 60`);
	}));

test("slow-start: a new worker is spared at first", { timeout: 30000 }, () =>
	balanced({ SIOINIT_BALANCE: "round-robin", SIOINIT_SLOW_START: "2" }, async (s) => {
		await until(async () => (await status(s)).workers.every((w) => w.uptime_s > 3), "old workers");
		process.kill(childOf(s.pid, "SIOINIT_SLOT=1"), "SIGKILL");
		await until(async () => s.log.match(/worker\[1\]: booting -> ready/g).length === 2, "its successor");
		const [, spared] = await spread(s.port, 90);
		assert.ok(spared < 20, `${spared} of 90`);
	}));

test("a method that is none", { timeout: 30000 }, async () => {
	const { code, out } = await run(["busy.js"], { SIOINIT_BALANCE: "fair" });
	assert.strictEqual(code, 78);
	assert.match(out, /SIOINIT_BALANCE=.*fair.*: not .*least-sessions.*random/);
});
