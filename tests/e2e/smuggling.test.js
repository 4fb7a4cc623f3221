// Nothing has two readings: what is answered to fixtures/corpus.js, and what of it reaches a worker.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, get } = require("./harness");
const { ask } = require("./ask");
const corpus = require("./fixtures/corpus");

test("the corpus", { timeout: 120000 }, async (t) => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const diary = path.join(folder, "diary");
	const s = await start(["diary.js"], { SIOINIT_WORKERS: "1", SIOINIT_HEADER_TIMEOUT: "1.5", SIOINIT_BODY_TIMEOUT: "1.5", DIARY: diary });
	try {
		for (const entry of corpus)
			await t.test(entry.name, async () => {
				const got = await ask(s.port, diary, entry);
				assert.deepStrictEqual({ status: got.statuses, seen: got.seen }, { status: entry.status, seen: entry.seen });
				if (!entry.begun) assert.strictEqual(got.begun.length, entry.seen.length);
				if (entry.status.some((status) => status >= 400) || entry.waits) assert.ok(got.closed, "the connection ends");
			});
		assert.strictEqual((await get(s.port, "/")).status, 200);
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.rmSync(folder, { recursive: true });
	}
});
