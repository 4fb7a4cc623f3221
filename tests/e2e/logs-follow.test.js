// sioinit logs: what workers write, as it comes, to who asks for it.
const test = require("node:test");
const assert = require("node:assert");
const { spawn } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, get, until } = require("./harness");

const BIN = process.env.BIN_UNDER_TEST;

// A sioinit with a socket of its own. follow() calls `sioinit logs` and collects what it prints.
async function withInstance(env, body) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const socket = { SIOINIT_ADMIN_SOCKET: `${dir}/admin.sock` };
	const followers = [];
	const s = await start(["talker.js"], { SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.2", ...(typeof env === "function" ? env(dir) : env), ...socket });
	const follow = (...words) => {
		const p = spawn(BIN, ["logs", ...words], { env: { ...process.env, ...(typeof env === "function" ? env(dir) : env), ...socket } });
		const self = { p, out: "", err: "" };
		p.stdout.on("data", (d) => (self.out += d));
		p.stderr.on("data", (d) => (self.err += d));
		self.ended = new Promise((resolve) => p.on("close", (code) => resolve(code)));
		followers.push(p);
		return self;
	};
	// Until worker @slot has been asked for @url
	const say = async (url, slot) => until(async () => JSON.parse((await get(s.port, url)).body).slot === String(slot), `slot ${slot}`);
	try {
		await body({ s, follow, say, dir, logs: (...words) => run(["logs", ...words], socket) });
	} finally {
		for (const p of followers) p.kill("SIGKILL");
		await s.stop();
		fs.rmSync(dir, { recursive: true, force: true });
	}
}

const OBJECT = '{"level":30,"msg":"object"}\n';

for (const format of ["prefix", "json"])
	test(`one slot and all (${format}): lines have their slot, and stderr goes to stderr; a worker's successor is followed, the end is said`, () =>
		withInstance({ SIOINIT_WORKER_LOGS: format }, async ({ s, follow, say, logs }) => {
			await say("/error", 0);
			await say("/error", 1);
			await until(async () => (await logs("--no-follow")).out.includes("[1] an error\n"), "what is kept");
			assert.deepStrictEqual(await logs("0", "--no-follow", "--lines", "1"), { code: 0, out: "[0] an error\n" });
			const all = follow();
			const one = follow("1", "--lines=0");
			await until(() => all.err.includes("[0] an error\n") && all.err.includes("[1] an error\n"), "the last lines");
			await until(async () => {
				await say("/object", 1);
				return one.out.includes(`[1] ${OBJECT}`);
			}, "the line");
			await say("/object", 0);
			await say("/error", 1);
			await until(() => all.out.includes(`[0] ${OBJECT}`) && all.out.includes(`[1] ${OBJECT}`), "both");
			await until(() => one.err === "[1] an error\n", "stderr");
			assert.doesNotMatch(one.out, /\[0\]/);

			await get(s.port, "/last").catch(() => {});
			await until(() => /\[\d\] last words\n/.test(all.err), "a line without its end");
			await until(async () => {
				await say("/object", 0);
				await say("/object", 1);
				return (one.out.match(/\[1\]/g) || []).length > 3;
			}, "the next worker");
			assert.strictEqual(await s.stop(), 0);
			assert.deepStrictEqual([await all.ended, await one.ended], [0, 0]);
			assert.match(one.err, /sioinit has ended\n$/);
			assert.match(s.log + s.out, /last words/);
		}));

test("a follower that reads nothing loses lines and is told how many; nobody waits for it", () =>
	withInstance({ SIOINIT_WORKER_LOGS: "prefix" }, async ({ s, follow, say }) => {
		const slow = follow();
		const quick = follow();
		await until(async () => {
			await say("/error", 0);
			return slow.err && quick.err;
		}, "both");
		slow.p.kill("SIGSTOP");
		let asked = 0;
		for (; asked < 4; asked++) await get(s.port, "/lines?400"); // of 6000 bytes: more than all buffers between
		const lines = (out) => out.match(/^\[\d\] \d:\d+:\d{6000}$/gm)?.length ?? 0;
		await until(() => lines(s.out) === asked * 400, "sioinit's own output");
		await until(async () => {
			await say("/error", 1);
			return /\[1\] an error/.test(quick.err);
		}, "the other one");
		slow.p.kill("SIGCONT");
		const [, lost] = await until(async () => {
			await say("/error", 0);
			return /^sioinit: (\d+) lines left out/m.exec(slow.err);
		}, "the number");
		assert.ok(Number(lost) > 100 && lines(slow.out) > 0 && lines(slow.out) + Number(lost) >= asked * 400, `${lines(slow.out)} and ${lost}`);
	}));

test("at most eight follow; one that leaves makes room", () =>
	withInstance({ SIOINIT_WORKER_LOGS: "prefix" }, async ({ follow, say }) => {
		const some = Array.from({ length: 8 }, () => follow());
		await until(async () => {
			await say("/error", 0);
			return some.every((f) => f.err);
		}, "all");
		const more = follow();
		assert.strictEqual(await more.ended, 1);
		assert.match(more.err, /too many follow/);
		some[0].p.kill("SIGKILL");
		await some[0].ended;
		await until(async () => {
			const f = follow("--lines", "1");
			await Promise.race([f.ended, until(() => f.err, "a line")]);
			return /an error/.test(f.err);
		}, "room");
	}));

test("where sioinit has no lines it says so, and follows what there is", async () => {
	await withInstance({}, async ({ follow, say }) => {
		const f = follow();
		await until(async () => {
			await say("/error", 0);
			return /\[0\] an error\n/.test(f.err);
		}, "stderr");
		assert.match(f.err, /^sioinit: only stderr .*SIOINIT_WORKER_LOGS=prefix/);
	});
	assert.strictEqual((await run(["logs", "--lines", "x"])).code, 2);
	assert.strictEqual((await run(["logs"], { SIOINIT_ADMIN_SOCKET: "/nowhere" })).code, 1);
});

test("the last lines of files are read first", () =>
	withInstance((dir) => ({ SIOINIT_LOG_OUT: `${dir}/out-{slot}.log` }), async ({ s, say, dir, follow }) => {
		for (const slot of [0, 1]) await say("/object", slot);
		await until(() => [0, 1].every((slot) => fs.readFileSync(`${dir}/out-${slot}.log`, "utf8").includes(OBJECT)), "files");
		const kept = follow("1", "--no-follow", "--lines", "1");
		assert.strictEqual(await kept.ended, 0);
		assert.deepStrictEqual([kept.out, kept.err], [`[1] ${OBJECT}`, ""]);
		const f = follow("--lines", "1");
		await until(() => f.out.includes(`[0] ${OBJECT}[1] ${OBJECT}`), "both files");
		s.stop();
		assert.strictEqual(await f.ended, 0);
	}));
