// Why a worker died: its last words in `sioinit logs --death` and in Kubernetes' termination log.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, get, until } = require("./harness");

const crashing = `
require("http").createServer((q, r) => {
	r.end(String(process.pid));
	if (q.url === "/crash") setImmediate(() => { throw new Error("no such \\u001b[31mtable"); });
}).listen(process.env.PORT);`;

async function inFolder(use) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	fs.writeFileSync(path.join(dir, "app.js"), crashing);
	try {
		await use(dir);
	} finally {
		fs.rmSync(dir, { recursive: true });
	}
}

for (const format of ["raw", "prefix", "json"])
	test(`logs --death has what a worker wrote last to stderr (${format})`, () => inFolder(async (dir) => {
		const socket = { SIOINIT_ADMIN_SOCKET: `${dir}/admin.sock` };
		const s = await start(["app.js"], { SIOINIT_WORKERS: "1", SIOINIT_WORKER_LOGS: format, ...socket }, dir);
		try {
			const pid = String((await get(s.port, "/crash")).body);
			const { out } = await until(async () => {
				const r = await run(["logs", "--death"], socket);
				return r.out.includes(`pid=${pid} code=1`) && r;
			}, "the record");
			assert.match(out, /^\S+Z worker\[0\]: ended pid=\d+ code=1 .*\n( {4}\| .*\n)* {4}\| Error: no such table\n {4}\| {5}at /);
			assert.match(out, / {4}\| Node\.js v/);
			assert.match(s.log, /Error: no such/);
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	}));

test("the termination log says why sioinit has ended", () => inFolder(async (dir) => {
	const file = path.join(dir, "termination-log");
	fs.writeFileSync(file, "");
	const s = await start(["app.js"], { SIOINIT_WORKERS: "1", SIOINIT_RESTART: "never", SIOINIT_TERMINATION_LOG: file }, dir);
	await get(s.port, "/crash");
	assert.strictEqual(await s.ended, 1);
	assert.match(fs.readFileSync(file, "utf8"), /^exit code 1\n\S+Z worker\[0\]: ended pid=\d+ code=1 .*\n[^]*\nError: no such table\n {4}at [^]*\nNode\.js v.*\n$/);
	// what is wrong before any worker runs
	const r = await run(["supervised.js"], { SIOINIT_USER: "no-such-user", SIOINIT_TERMINATION_LOG: file });
	assert.strictEqual(r.code, 78);
	assert.match(fs.readFileSync(file, "utf8"), /^exit code 78\n.*no-such-user.*\n$/);
}));

test("the termination log is left alone: a clean end, the app's own words, no such file, no file at all", () => inFolder(async (dir) => {
	const file = path.join(dir, "termination-log");
	fs.writeFileSync(file, "");
	const env = { SIOINIT_WORKERS: "1", SIOINIT_RESTART: "never", SIOINIT_TERMINATION_LOG: file };
	const clean = await start(["app.js"], env, dir);
	assert.strictEqual(await clean.stop(), 0);
	assert.strictEqual(fs.readFileSync(file, "utf8"), "");

	const spoken = await start(["app.js"], env, dir);
	fs.writeFileSync(file, "the app's own");
	await get(spoken.port, "/crash");
	assert.strictEqual(await spoken.ended, 1);
	assert.strictEqual(fs.readFileSync(file, "utf8"), "the app's own");

	for (const other of [path.join(dir, "none"), "/dev/null", "off"]) {
		const s = await start(["app.js"], { ...env, SIOINIT_TERMINATION_LOG: other }, dir);
		await get(s.port, "/crash");
		assert.strictEqual(await s.ended, 1);
	}
	assert.deepStrictEqual(fs.readdirSync(dir).sort(), ["app.js", "termination-log"]);
}));
