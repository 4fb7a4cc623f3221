// Last words: what a dying worker had written is delivered, and only then its end is announced.
const test = require("node:test");
const assert = require("node:assert");
const { withCluster, assertFetches, until } = require("./cluster");

const [BROADCAST, CLOSE] = [3, 13];

// @c's worker has heard n last words of the worker that had @uid, and then of its end.
async function assertHeardOut(c, uid, from, n) {
	const notes = await until(async () => (await c.ask("notes", uid)).includes(CLOSE) && c.ask("notes", uid), `worker ${c.from} to hear of the end of ${from}`);
	assert.deepStrictEqual(notes.slice(notes.lastIndexOf(BROADCAST) + 1), [CLOSE], "the end is announced once, and last");
	assert.strictEqual(c.record.next(from), n, `the words of ${from} that clients of ${c.from} heard`);
	assert.deepStrictEqual(c.record.faults, []);
}

for (const mode of ["advanced", "json"]) {
	test(`what a killed worker had written is heard before its end (${mode})`, { timeout: 60000 }, async () => {
		await withCluster(3, { SIOINIT_SERIALIZATION: mode }, async (s) => {
			const [, b, c] = await s.everywhere();
			for (const n of [1, 200, 1500]) {
				const dying = await s.at(0);
				dying.emit("bye", n);
				for (const x of [b, c]) await assertHeardOut(x, dying.where.uid, dying.from, n);
				for (const x of [b, c]) await assertFetches(x, { n: 2 });
				await s.replaced(0, dying.where.pid);
			}
		});
	});

	test(`also while another worker is stopped under load (${mode})`, { timeout: 60000 }, async () => {
		await withCluster(4, { SIOINIT_SERIALIZATION: mode, SIOINIT_HANG_TIMEOUT: "30" }, async (s) => {
			const [dying, b, c, d] = await s.everywhere();
			await c.ask("speak", 1000, 10);
			s.signal(d.where.pid, "SIGSTOP");
			// more than any socket holds is queued for the stopped one
			const said = await dying.ask("burst", 60, 100000);
			await until(async () => b.record.next(dying.from) === said, "the burst");
			dying.emit("bye", 100);
			for (const x of [b, c]) await assertHeardOut(x, dying.where.uid, dying.from, said + 100);
			s.signal(d.where.pid, "SIGCONT");
			await assertHeardOut(d, dying.where.uid, dying.from, said + 100);
			await s.replaced(0, dying.where.pid);
		});
	});
}

test("an app that exits in the tick of its last broadcast", { timeout: 60000 }, async () => {
	await withCluster(3, {}, async (s) => {
		const [, b, c] = await s.everywhere();
		for (let i = 0; i < 3; i++) {
			const dying = await s.at(0);
			dying.emit("leave");
			for (const x of [b, c]) await assertHeardOut(x, dying.where.uid, dying.from, 1);
			await s.replaced(0, dying.where.pid);
		}
	});
});
