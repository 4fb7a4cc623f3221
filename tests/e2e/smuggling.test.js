// Nothing has two readings: what is answered to fixtures/corpus.js, and what of it reaches a worker, be it as strict as Node,
// stricter, or lenient.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, get, works } = require("./harness");
const { ask } = require("./ask");
const corpus = require("./fixtures/corpus");

const python = ["/usr/bin/python3", "python3"].find((file) => works(file, "-c", "import uvicorn, gunicorn"));
const lacks = !python && "no uvicorn or no gunicorn";
const own = { SIOINIT_DISPATCH: "port" };

async function withDiary(args, env, use) {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const diary = path.join(folder, "diary");
	const s = await start(args, { SIOINIT_WORKERS: "1", SIOINIT_HEADER_TIMEOUT: "1.5", SIOINIT_BODY_TIMEOUT: "1.5", DIARY: diary, ...env });
	try {
		await use(s.port, diary);
		assert.strictEqual((await get(s.port, "/")).status, 200);
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.rmSync(folder, { recursive: true });
	}
}

async function check(port, diary, entry) {
	const got = await ask(port, diary, entry);
	assert.deepStrictEqual({ status: got.statuses, seen: got.seen, wrong: got.wrong }, { status: entry.status, seen: entry.seen, wrong: [] });
	if (entry.status.some((status) => status >= 400) || entry.waits) assert.ok(got.closed, "the connection ends");
	return got;
}

const readers = [
	["Node", ["diary.js"], {}],
	["a reader of one form only", ["--", process.execPath, "recorder.js", "{port}"], own],
];
for (const [what, args, env] of readers)
	test(`the corpus, ${what}`, { timeout: 120000 }, (t) =>
		withDiary(args, env, async (port, diary) => {
			for (const entry of corpus)
				await t.test(entry.name, async () => {
					const got = await check(port, diary, entry);
					if (!entry.begun) assert.strictEqual(got.begun.length, entry.seen.length);
				});
		}));

// What follows a request on its connection to the worker is somebody else's.
const lenient = [
	["uvicorn", ["-m", "uvicorn", "diary:asgi", "--http", "h11", "--port", "{port}", "--no-access-log"]],
	["gunicorn", ["-m", "gunicorn", "-k", "gthread", "--threads", "4", "--keep-alive", "30", "-b", "127.0.0.1:{port}", "diary:wsgi"]],
];
for (const [what, args] of lenient)
	test(`chunks, ${what}: everybody gets the answer to what he asked`, { skip: lacks, timeout: 120000 }, (t) =>
		withDiary(["--", python, ...args], { ...own, PYTHONDONTWRITEBYTECODE: "1" }, async (port, diary) => {
			for (const entry of corpus.filter(({ chunks }) => chunks))
				await t.test(entry.name, async () => {
					await check(port, diary, entry);
					assert.strictEqual((await get(port, "/victim")).body.toString(), "answer to GET /victim");
				});
		}));
