// What is in a worker's process group beside its leader: the stop, and what a leader leaves that has ended.
const test = require("node:test");
const assert = require("node:assert");
const { spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, get, until, works, childOf, freePort } = require("./harness");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
fs.copyFileSync(path.join(__dirname, "fixtures/graceful.js"), path.join(folder, "graceful.js"));
fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "app", version: "1.0.0", scripts: { start: "node graceful.js", twice: "node graceful.js; echo after" } }));
test.after(() => fs.rmSync(folder, { recursive: true }));

const isThere = (pid) => fs.existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
let n = 0;

// One worker, whose marks .marks() reads.
async function begin(args, env = {}) {
	const MARK = path.join(folder, `mark${n++}`);
	const s = await start(args, { SIOINIT_WORKERS: "1", MARK, ...env }, folder);
	s.marks = () => (fs.existsSync(MARK) ? fs.readFileSync(MARK, "utf8") : "");
	return s;
}

const wrappers = {
	"node itself": ["node", "graceful.js"],
	"sh with something to do afterwards": ["sh", "-c", "node graceful.js; echo after"],
	"sh that ignores SIGTERM": ["sh", "-c", "trap '' TERM; node graceful.js; echo after"],
	"sh that passes it on by itself": ["sh", "-c", "node graceful.js & app=$!; trap 'kill $app' TERM; wait $app; wait $app"],
	...(works("npm", "--version") && { "npm start": ["npm", "start"], "npm run with a shell between": ["npm", "run", "twice"] }),
};
for (const [name, args] of Object.entries(wrappers))
	test(`the app sees the stop signal once, and ends by itself: ${name}`, { timeout: 60000 }, async () => {
		const s = await begin(args);
		assert.strictEqual(await s.stop(), 0, s.log);
		assert.strictEqual(s.marks(), "term\nsaved\n", s.log);
	});

test("SIOINIT_STOP_GROUP=group: all of them get it", { timeout: 60000 }, async () => {
	const s = await begin(["sh", "-c", "trap : TERM; node graceful.js; echo after"], { SIOINIT_STOP_GROUP: "group" });
	assert.strictEqual(await s.stop(), 0, s.log);
	assert.strictEqual(s.marks(), "term\nsaved\n");
});

test("SIOINIT_STOP_GROUP=leader: what it leaves is not told, but has its time, and the exit code says so", { timeout: 60000 }, async () => {
	const s = await begin(["sh", "-c", "sleep 600 & exec node graceful.js"], { SIOINIT_STOP_GROUP: "leader", SIOINIT_STOP_TIMEOUT: "2" });
	const begun = Date.now();
	assert.strictEqual(await s.stop(), 137, s.log);
	assert.ok(Date.now() - begun >= 1900);
	assert.strictEqual(s.marks(), "term\nsaved\n");
});

test("one that ignores the signal is killed at the stop timeout, after its leader has ended", { timeout: 60000 }, async () => {
	const s = await begin(["sh", "-c", "(trap '' TERM; exec sleep 600) & exec node graceful.js"], { SIOINIT_STOP_TIMEOUT: "2" });
	assert.strictEqual(await s.stop(), 137, s.log);
	assert.strictEqual(s.marks(), "term\nsaved\n");
});

test("a helper of the app does not hold up the stop", { timeout: 60000 }, async () => {
	const s = await begin(["sh", "-c", "sleep 600 & exec node graceful.js"]);
	const begun = Date.now();
	assert.strictEqual(await s.stop(), 0, s.log);
	assert.ok(Date.now() - begun < 10000);
});

test("a crashed leader: the next one does not wait, what is left is told and then killed", { timeout: 60000 }, async () => {
	const left = path.join(folder, "left");
	const helper = `(trap "echo told >>${left}" TERM; echo helper >>${left}; while :; do sleep 0.1; done)`;
	const s = await begin(["sh", "-c", `${helper} & echo $! >>${left}.pid; exec node graceful.js`], { SIOINIT_STOP_TIMEOUT: "3", SIOINIT_RESTART_DELAY: "0.1" });
	try {
		await until(async () => fs.existsSync(left), "the helper");
		const [helperPid] = fs.readFileSync(`${left}.pid`, "utf8").split("\n").map(Number);
		const before = childOf(s.pid, "SIOINIT_SLOT=0");
		process.kill(before, "SIGKILL");
		await until(async () => { const now = (await get(s.port, "/")).body.toString(); return now && Number(now) !== before; }, "the next one");
		assert.ok(isThere(helperPid), "the helper has its time");
		await until(async () => fs.readFileSync(left, "utf8").includes("told"), "the helper is told");
		await until(async () => !isThere(helperPid), "the helper is killed");
		assert.match(s.log, /what it left in its process group is still there at the stop timeout, killed/);
	} finally {
		await s.stop();
	}
});

test("sioinit does not end before what a crash has left", { timeout: 60000 }, async () => {
	const mark = path.join(folder, "orphan");
	const helper = `(trap "sleep 1; echo saved >${mark}; exit" TERM; while :; do sleep 0.1; done)`;
	const s = await begin(["sh", "-c", `${helper} & exec node graceful.js`], { SIOINIT_RESTART: "never" });
	process.kill(childOf(s.pid, "SIOINIT_SLOT=0"), "SIGKILL");
	assert.strictEqual(await s.ended, 137, s.log);
	assert.strictEqual(fs.readFileSync(mark, "utf8"), "saved\n");
});

test("a stopped worker ends in time, with its own code", { timeout: 60000 }, async () => {
	const s = await begin(["node", "graceful.js"]);
	process.kill(childOf(s.pid, "SIOINIT_SLOT=0"), "SIGSTOP");
	const begun = Date.now();
	assert.strictEqual(await s.stop(), 0, s.log);
	assert.ok(Date.now() - begun < 10000);
	assert.strictEqual(s.marks(), "term\nsaved\n");
	assert.match(s.log, /ended pid=\d+ code=0 state=stopping/);
});

const namespace = ["--pid", "--fork", "--mount-proc", "--kill-child"];
test("as process 1, too", { skip: spawnSync("unshare", [...namespace, "true"]).status !== 0 && "no pid namespaces here", timeout: 60000 }, async () => {
	const mark = path.join(folder, "pid1");
	const one = spawnSync("unshare", [...namespace, "sh", "-c", `(until grep -qs 'serving on' ${mark}.log; do sleep 0.1; done; kill -TERM 1) & exec "$0" sh -c 'node graceful.js; echo after' 2>${mark}.log`, process.env.BIN_UNDER_TEST], {
		env: { ...process.env, MARK: mark, SIOINIT_WORKERS: "1", SIOINIT_PORT: `${await freePort()}`, SIOINIT_ADMIN: "off" }, cwd: folder, encoding: "utf8",
	});
	assert.strictEqual(one.status, 0, one.stderr + fs.readFileSync(`${mark}.log`, "utf8"));
	assert.strictEqual(fs.readFileSync(mark, "utf8"), "term\nsaved\n");
});
