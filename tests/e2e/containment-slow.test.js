// A worker that is stopped, or slow, while megabytes of broadcasts pass: it alone pays, and what pays is bounded.
const test = require("node:test");
const assert = require("node:assert");
const { withCluster, Voices, assertFetches, until, sleep, MB } = require("./cluster");

const suspects = (s) => [...new Set(s.lines(/-> suspect/).map((l) => Number(/worker\[(\d+)\]/.exec(l)[1])))];
const evictions = async (s) => (await s.metric("sioinit_relay_evictions_total")) ?? 0;
const has = (s, pattern, what, ms) => until(async () => s.lines(pattern).length > 0, what, ms);

// What must be true of all the others from now on, until the function that is returned is called.
async function watchOthers(s, voices, victim) {
	const polling = s.pollReadiness();
	const before = await s.workers();
	return async () => {
		voices.assertNoPause("while a neighbour is stopped");
		voices.assertWell();
		assert.deepStrictEqual(s.readinessFaults(), [], "/readyz stays 200");
		await polling;
		assert.deepStrictEqual(suspects(s).filter((slot) => slot !== victim.slot), [], "nobody else is suspect");
		const after = await s.workers();
		for (const w of before) if (w.slot !== victim.slot) assert.strictEqual(after.find((x) => x.slot === w.slot).pid, w.pid, `worker ${w.slot} lives on`);
	};
}

async function assertConnects(s, n, victim) {
	for (let i = 0; i < n; i++) {
		const c = await s.connect();
		assert.notStrictEqual(c.where.pid, victim.pid);
		s.forget(c);
	}
}

for (const mode of ["advanced", "json"]) {
	test(`a stopped worker leaves the relay when its queue is full, and nobody else notices (${mode})`, { timeout: 120000 }, async () => {
		await withCluster(3, { SIOINIT_SERIALIZATION: mode, SIOINIT_RELAY_MEMORY: String(32 * MB), SIOINIT_RELAY_TIMEOUT: "30", SIOINIT_LAG_WARN: "3" }, async (s) => {
			const [a, b, c] = await s.everywhere();
			const voices = new Voices(s, [a, b], [a, b], 50000, 20);
			await voices.begin();
			await voices.calm(3000);
			const others = await watchOthers(s, voices, c.where);
			const began = s.peakBegins();
			s.signal(c.where.pid, "SIGSTOP");
			await assertConnects(s, 6, c.where);
			await has(s, /worker\[2\].*left the relay|left the relay.*worker\[2\]/, "the stopped worker to leave the relay", 25000);
			await assertFetches(a);
			await assertFetches(b);
			await s.replaced(2, c.where.pid);
			assert.strictEqual(await evictions(s), 1);
			assert.ok(s.peak() <= began + 32 * MB + 24 * MB, `init grew by ${Math.round((s.peak() - began) / MB)} MiB`);
			await others();
			await voices.join(await s.at(2));
			await voices.end();
			await assertFetches(a, { n: 3 });
		});
	});
}

test("a stopped worker leaves the relay when its oldest message is too old", { timeout: 120000 }, async () => {
	await withCluster(4, { SIOINIT_RELAY_TIMEOUT: "3", SIOINIT_LAG_WARN: "3" }, async (s) => {
		const [a, b, , c] = await s.everywhere();
		const voices = new Voices(s, [a, b], [a, b], 30000, 50);
		await voices.begin();
		await voices.calm(1500);
		const others = await watchOthers(s, voices, c.where);
		const stopped = performance.now();
		s.signal(c.where.pid, "SIGSTOP");
		await has(s, /left the relay/, "the stopped worker to leave the relay", 15000);
		const ms = performance.now() - stopped;
		assert.ok(ms >= 2500 && ms <= 8000, `left after ${Math.round(ms)} ms`);
		await assertFetches(a);
		await s.replaced(3, c.where.pid);
		assert.strictEqual(await evictions(s), 1);
		await others();
		await voices.end();
	});
});

test("a worker that goes on before anything is full has missed nothing", { timeout: 90000 }, async () => {
	await withCluster(3, { SIOINIT_RELAY_MEMORY: String(64 * MB), SIOINIT_LAG_WARN: "6" }, async (s) => {
		const [a, b, c] = await s.everywhere();
		const voices = new Voices(s, [a, b], [a, b, c], 50000, 25);
		await voices.begin();
		await voices.calm(1500);
		s.signal(c.where.pid, "SIGSTOP");
		await sleep(4000);
		s.signal(c.where.pid, "SIGCONT");
		await voices.end();
		assert.strictEqual(await evictions(s), 0);
		await assertFetches(c, { n: 3 });
	});
});

test("a worker that cannot keep up but answers is drained, not killed", { timeout: 120000 }, async () => {
	await withCluster(3, { SIOINIT_RELAY_MEMORY: String(32 * MB), SIOINIT_DRAIN_TIME: "1", SIOINIT_LAG_WARN: "3" }, async (s) => {
		const [a, b, c] = await s.everywhere();
		const voices = new Voices(s, [a, b], [a, b], 50000, 20);
		await voices.begin();
		await voices.calm(1500);
		await c.ask("dawdle", 50);
		await has(s, /left the relay/, "the slow worker to leave the relay", 40000);
		await assertFetches(a);
		await s.replaced(2, c.where.pid);
		await until(async () => s.lines(new RegExp(`ended pid=${c.where.pid}`)).length > 0, "its end");
		assert.deepStrictEqual(s.lines(new RegExp(`killed pid=${c.where.pid}`)), [], "drained, not killed");
		assert.doesNotMatch(s.lines(new RegExp(`ended pid=${c.where.pid}`))[0], /KILL/);
		assert.strictEqual(await evictions(s), 1);
		voices.assertNoPause("while a neighbour cannot keep up");
		await voices.end();
	});
});

test("a worker that is busy for 300 of every 400 ms keeps up and keeps its place", { timeout: 90000 }, async () => {
	await withCluster(3, { SIOINIT_LAG_WARN: "3" }, async (s) => {
		const [a, b, c] = await s.everywhere();
		const voices = new Voices(s, [a, b], [a, b, c], 50000, 20);
		await voices.begin();
		await voices.calm(1500);
		await c.ask("limp", 300, 400);
		await sleep(10000);
		voices.assertNoPause("while a neighbour limps");
		await voices.end();
		assert.strictEqual(await evictions(s), 0);
		assert.deepStrictEqual(suspects(s), []);
	});
});

test("a burst of 8 MB with nobody slow loses nothing", { timeout: 60000 }, async () => {
	await withCluster(3, {}, async (s) => {
		const all = await s.everywhere();
		for (const c of all) {
			const n = await c.ask("burst", 40, 200000);
			await until(async () => all.every((l) => l.record.next(c.from) === n), `all ${n} messages of ${c.from}`);
		}
		all.forEach((l) => assert.deepStrictEqual(l.record.faults, []));
		assert.deepStrictEqual(all.map((l) => l.record.bytes), Array(3).fill(3 * 40 * 200000));
		assert.strictEqual(await evictions(s), 0);
	});
});

test("bursts of three workers, together more than the relay's memory, while a fourth is busy: whoever goes on has missed nothing", { timeout: 60000 }, async () => {
	await withCluster(4, { SIOINIT_RELAY_MEMORY: String(32 * MB), SIOINIT_LAG_WARN: "5" }, async (s) => {
		const all = await s.everywhere();
		await all[3].ask("block", 900);
		const said = await Promise.all(all.map((c, i) => (i === 3 ? 0 : c.ask("burst", 75, 200000).catch(() => NaN))));
		const isThere = (c) => !c.lost;
		const heardOut = () => all.filter(isThere).every((l) => all.every((c, i) => !isThere(c) || l.record.next(c.from) === said[i]));
		await until(async () => heardOut(), "all that was said by those who stayed, at those who stayed").catch(() => {});
		await s.settled();
		for (const l of all.filter(isThere)) assert.deepStrictEqual(l.record.faults, [], `${await evictions(s)} have left`);
		assert.ok(heardOut(), "whoever goes on has heard all of whoever goes on");
	});
});
