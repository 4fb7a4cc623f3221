// What a client or a worker sends is never its worker's end, whatever is in it: deep, large, malformed, cut off by death.
const test = require("node:test");
const assert = require("node:assert");
const { withCluster, Voices, assertFetches, within, until, MB } = require("./cluster");

const nested = (depth) => {
	let x = 1;
	for (let i = 0; i < depth; i++) x = [x];
	return x;
};
const depthOf = (x) => {
	let depth = 0;
	for (; Array.isArray(x); x = x[0]) depth++;
	return depth;
};
const passedOver = async (s, reason) => (await s.metric("sioinit_relay_passed_over_total", `reason="${reason}"`)) ?? 0;
const pidsOf = (clients) => clients.map((c) => c.where.pid);
const assertSameWorkers = async (s, clients) => assert.deepStrictEqual((await s.workers()).map((w) => w.pid), pidsOf(clients), "the workers live on");

for (const mode of ["advanced", "json"]) {
	test(`a client's nested array costs nobody anything (${mode})`, { timeout: 60000 }, async () => {
		await withCluster(3, { SIOINIT_SERIALIZATION: mode }, async (s) => {
			const all = await s.everywhere();
			const bystander = await s.at(0);
			for (const depth of [250, 1200]) {
				const before = await passedOver(s, "unreadable");
				const heard = new Set();
				all.forEach((c, i) => c.once("all", (x) => depthOf(x) === depth && heard.add(i)));
				all[0].emit("all", nested(depth));
				const arrived = async () => heard.size === 3 || (heard.has(0) && (await passedOver(s, "unreadable")) > before);
				await until(arrived, `depth ${depth}: heard by all, or passed over and counted`);
				all.forEach((c) => c.removeAllListeners("all"));
			}
			const next = Promise.all(all.map((c) => new Promise((resolve) => c.once("all", resolve))));
			all[0].emit("all", "after it");
			assert.deepStrictEqual(await within(next, "the next broadcast"), Array(3).fill("after it"));
			assert.strictEqual(bystander.lost, null);
			await assertSameWorkers(s, all);
		});
	});

	test(`a whole frame that is not understood is passed over, counted, and said once (${mode})`, { timeout: 60000 }, async () => {
		const body = mode === "json" ? [`{"type":3,"source":"_sio_adapter","nsp":}`, `{"source":"_sio_adapter","type":3,"data":[1,2`] : ["ff0f6f2204747970654906", "ff0f7a7a7a7a", "ff0f6f2206736f75726365220c5f73696f5f616461"];
		const frames = body.map((b) => {
			if (mode === "json") return Buffer.from(`${b}\n`);
			const bytes = Buffer.from(b, "hex");
			return Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
		});
		await withCluster(3, { SIOINIT_SERIALIZATION: mode }, async (s) => {
			const all = await s.everywhere();
			const logged = s.lines(/worker\[0\]|relay/).length;
			const list = Array.from({ length: 50 }, (_, i) => frames[i % frames.length].toString("base64"));
			await all[0].ask("frames", list);
			await until(async () => (await passedOver(s, "unreadable")) === 50, "50 frames counted as unreadable");
			await all[0].ask("frames", list);
			await until(async () => (await passedOver(s, "unreadable")) === 100, "100 frames counted as unreadable");
			const said = s.lines(/worker\[0\]|relay/).slice(logged);
			assert.ok(said.length <= 1, `said once: ${said.join("\n")}`);
			const next = Promise.all(all.map((c) => new Promise((resolve) => c.once("all", resolve))));
			all[0].emit("all", "after it");
			await within(next, "the next broadcast of that worker");
			await assertSameWorkers(s, all);
		});
	});

	test(`a message of 70 MB (${mode})`, { timeout: 120000 }, async () => {
		await withCluster(3, { SIOINIT_SERIALIZATION: mode }, async (s) => {
			const all = await s.everywhere();
			const voices = new Voices(s, all.slice(1), all.slice(1), 1000, 20);
			await voices.begin();
			await voices.calm(1000);
			await all[0].ask("send", 70e6);
			const next = Promise.all(all.map((c) => new Promise((resolve) => c.once("all", resolve))));
			all[0].emit("all", "after it");
			await within(next, "the next broadcast of that worker");
			voices.assertNoPause("while 70 MB pass");
			await voices.end();
			await assertSameWorkers(s, all);
		});
	});

	test(`a broadcast of 30 MB is carried, one above the relay's memory is passed over and counted (${mode})`, { timeout: 120000 }, async () => {
		await withCluster(3, { SIOINIT_SERIALIZATION: mode, SIOINIT_RELAY_MEMORY: String(80 * MB), SIOINIT_LAG_WARN: "5" }, async (s) => {
			const all = await s.everywhere();
			const voices = new Voices(s, all.slice(1), all.slice(1), 1000, 20);
			await voices.begin();
			await all[0].ask("burst", 1, 30e6);
			await until(async () => all.every((c) => c.record.next(all[0].from) === 1), "30 MB everywhere");
			assert.strictEqual(await passedOver(s, "no_room"), 0);
			await all[0].ask("burst", 1, 90e6);
			await until(async () => (await passedOver(s, "no_room")) === 1, "90 MB counted");
			await all[0].ask("burst", 1, 1000);
			await until(async () => all.slice(1).every((c) => c.record.next(all[0].from) === 3), "the next broadcast of that worker");
			// what it passed over is the only thing that they have missed
			all.slice(1).forEach((c) => assert.strictEqual(c.record.faults.splice(0).length, 1));
			await voices.end();
			await assertSameWorkers(s, all);
		});
	});

	test(`a worker dies within a frame (${mode})`, { timeout: 90000 }, async () => {
		await withCluster(3, { SIOINIT_SERIALIZATION: mode }, async (s) => {
			const [, ...others] = await s.everywhere();
			const voices = new Voices(s, others, others, 20000, 20);
			await voices.begin();
			await voices.calm(1000);
			// within the length, the text, and one byte before the end
			for (const bytes of [2, 50000, -1]) {
				const dying = await s.at(0);
				const whole = dying.record.next(dying.from);
				dying.emit("die within a frame", bytes);
				await s.replaced(0, dying.where.pid);
				for (const c of others) assert.strictEqual(c.record.next(dying.from), whole + 1, "what was whole is heard, and no more");
				for (const c of others) await assertFetches(c);
			}
			voices.assertNoPause("while a worker dies within a frame");
			await voices.end();
			const pids = (await s.workers()).map((w) => w.pid).slice(1);
			assert.deepStrictEqual(pids, pidsOf(others));
		});
	});
}

test("a worker dies while large frames are on their way to it", { timeout: 90000 }, async () => {
	await withCluster(3, {}, async (s) => {
		const [, ...others] = await s.everywhere();
		const voices = new Voices(s, others, others, 500000, 100);
		await voices.begin();
		await voices.calm(1000);
		for (let i = 0; i < 4; i++) {
			const [{ pid }] = (await s.workers()).filter((w) => w.slot === 0);
			s.signal(pid, "SIGKILL");
			await s.replaced(0, pid);
		}
		voices.assertNoPause("while a receiver is killed again and again");
		await voices.end();
		for (const c of others) await assertFetches(c, { n: 2 });
	});
});
