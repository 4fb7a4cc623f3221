// Taking part in the relay begins with the adapter's first word: a worker that is still loading holds up nobody, and
// costs init nothing.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const path = require("path");
const { withCluster, Voices, assertFetches, until, sleep, temporary, MB } = require("./cluster");

const BOOT_MS = 8000;

async function slowBoots(env, use) {
	const folder = temporary();
	const file = path.join(folder, "boot");
	try {
		await withCluster(3, { SLOW_BOOT: file, SIOINIT_LAG_WARN: "3", ...env }, (s) => use(s, (ms) => (ms ? fs.writeFileSync(file, String(ms)) : fs.unlinkSync(file))));
	} finally {
		fs.rmSync(folder, { recursive: true });
	}
}

test("a worker that loads for 8 s holds up nobody's broadcasts", { timeout: 90000 }, async () => {
	await slowBoots({}, async (s, slow) => {
		const [a, b, c] = await s.everywhere();
		const voices = new Voices(s, [a, b], [a, b], 100000, 20);
		await voices.begin();
		await voices.calm(2000);
		slow(BOOT_MS);
		const began = s.peakBegins();
		s.signal(c.where.pid, "SIGKILL");
		await until(async () => (await s.workers()).find((w) => w.slot === 2 && w.pid && w.pid !== c.where.pid), "the next worker");
		for (const end = Date.now() + BOOT_MS - 2000; Date.now() < end; await sleep(500)) for (const x of [a, b]) await assertFetches(x, { n: 2 });
		assert.ok(s.peak() <= began + 24 * MB, `init grew by ${Math.round((s.peak() - began) / MB)} MiB`);
		await s.replaced(2, c.where.pid);
		voices.assertNoPause("while a worker loads");
		await voices.join(await s.at(2));
		await voices.end();
		assert.deepStrictEqual(s.lines(/left the relay/), []);
		for (const x of [a, b]) assert.deepStrictEqual(s.lines(new RegExp(`-> suspect pid=${x.where.pid}`)), []);
	});
});

test("a worker that has loaded for long is well once it is ready", { timeout: 60000 }, async () => {
	await slowBoots({}, async (s, slow) => {
		const c = await s.at(2);
		slow(BOOT_MS);
		s.signal(c.where.pid, "SIGKILL");
		const { pid } = await s.replaced(2, c.where.pid);
		// two pings later
		await sleep(2500);
		assert.deepStrictEqual(s.lines(new RegExp(`-> suspect pid=${pid}`)), []);
	});
});

test("a rolling reload of workers that load for 8 s", { timeout: 120000 }, async () => {
	await slowBoots({}, async (s, slow) => {
		const all = await s.everywhere();
		const voices = new Voices(s, all.slice(1), all.slice(1), 20000, 20);
		await voices.begin();
		await voices.calm(2000);
		slow(BOOT_MS);
		process.kill(s.pid, "SIGHUP");
		await s.replaced(0, all[0].where.pid);
		voices.assertNoPause("while the next worker loads");
		voices.assertWell();
		slow(0);
		// those that are loading or will load from here on end what speaks
		for (const c of all.slice(1)) await s.replaced(c.where.slot, c.where.pid);
		all.slice(1).forEach((l) => assert.deepStrictEqual(l.record.faults, []));
		assert.deepStrictEqual(s.lines(/left the relay/), []);
		for (const c of all) assert.deepStrictEqual(s.lines(new RegExp(`-> suspect pid=${c.where.pid}`)), []);
	});
});
