// The command line of a running sioinit, and the numbers it gives.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { spawnSync } = require("child_process");
const { start, run, get, until, routersOf } = require("./harness");

// Each instance with a socket of its own, as other tests may run beside.
async function withInstance(env, body) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const socket = { SIOINIT_ADMIN_SOCKET: `${dir}/admin.sock` };
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.2", ...env, ...socket });
	const cli = (...words) => run(words, socket);
	const status = async () => JSON.parse((await cli("status", "--json")).out);
	try {
		await body({ s, cli, status, socket });
	} finally {
		assert.strictEqual(await s.stop(), 0);
		assert.ok(!fs.existsSync(socket.SIOINIT_ADMIN_SOCKET));
		fs.rmSync(dir, { recursive: true });
	}
}

test("status: a table for people, JSON for programs, owner only", () => withInstance({}, async ({ s, cli, status, socket }) => {
	await get(s.port, "/");
	const table = await cli("status");
	assert.strictEqual(table.code, 0);
	assert.match(table.out, /lame-duck|serving/);
	assert.match(table.out, /\n +1 +\d+ ready/);
	const sorted = await cli("status", "--sort", "memory");
	const rss = sorted.out.match(/^ +\d+ +\d+ ready +\S+ +\S+ +([\d.]+)M/gm).map((row) => Number(row.trim().split(/\s+/)[5].slice(0, -1)));
	assert.ok(rss.length === 2 && rss[0] >= rss[1], sorted.out);
	assert.strictEqual((await cli("status", "--sort", "name")).code, 2);
	const json = await status();
	assert.deepStrictEqual(json.workers.map((w) => w.state), ["ready", "ready"]);
	assert.strictEqual(json.requests, 1);
	assert.strictEqual(fs.statSync(socket.SIOINIT_ADMIN_SOCKET).mode & 0o777, 0o600);
	assert.deepStrictEqual(JSON.parse((await get(s.admin, "/status")).body).workers.map((w) => w.pid), json.workers.map((w) => w.pid));
}));

test("reload waits for its end; restart replaces one; scale", () => withInstance({}, async ({ cli, status }) => {
	const pids = async () => (await status()).workers.map((w) => w.pid);
	const before = await pids();
	assert.deepStrictEqual(await cli("reload"), { code: 0, out: "reloaded\n" });
	const reloaded = await pids();
	assert.ok(reloaded.every((pid, i) => pid !== before[i]));
	assert.strictEqual((await cli("restart", "1")).code, 0);
	await until(async () => (await pids())[1] !== reloaded[1], "the new worker");
	assert.strictEqual((await pids())[0], reloaded[0]);
	assert.strictEqual((await cli("scale", "3")).code, 0);
	await until(async () => (await status()).workers[2]?.state === "ready", "a third worker");
	assert.strictEqual((await cli("scale", "1")).code, 0);
	await until(async () => (await status()).workers.length === 1, "one worker");
}));

test("a failed reload says so", async () => {
	const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-")), "fail");
	await withInstance({ FAIL_FILE: file }, async ({ cli }) => {
		fs.writeFileSync(file, "");
		const r = await cli("reload");
		assert.strictEqual(r.code, 1);
		assert.match(r.out, /aborted/);
	});
	fs.rmSync(path.dirname(file), { recursive: true });
});

test("signal, drain, deaths", () => withInstance({ SAY: "SIGUSR2" }, async ({ s, cli, status }) => {
	assert.strictEqual((await cli("signal", "0", "USR2")).code, 0);
	await until(async () => s.out.includes("SIGUSR2 slot=0"), "the signal");
	assert.ok(!s.out.includes("slot=1"));
	assert.strictEqual((await cli("drain")).code, 0);
	assert.strictEqual((await get(s.admin, "/readyz")).status, 503);
	assert.strictEqual((await get(s.port, "/")).status, 200);
	assert.strictEqual((await status()).phase, "lame-duck");
	assert.strictEqual((await cli("drain", "off")).code, 0);
	assert.strictEqual((await get(s.admin, "/readyz")).status, 200);
	const { pid } = (await status()).workers[1];
	process.kill(pid, "SIGKILL");
	await until(async () => (await cli("logs", "--death")).out.includes(`pid=${pid} signal=KILL`), "the record");
}));

test("misuse and absence are said", () => withInstance({}, async ({ cli }) => {
	for (const words of [["scale"], ["scale", "0"], ["restart"], ["signal", "0", "NOPE"], ["logs", "--death", "0"]]) {
		const r = await cli(...words);
		assert.strictEqual(r.code, 2, words.join(" "));
		assert.match(r.out, /usage: sioinit/);
	}
	assert.deepStrictEqual(await cli("restart", "7"), { code: 2, out: 'no app or slot "7" here, but supervised (sioinit status has the slots)\n' });
	const nobody = await run(["status"], { SIOINIT_ADMIN_SOCKET: "/nowhere/at/all" });
	assert.strictEqual(nobody.code, 1);
	assert.match(nobody.out, /no sioinit is running here/);
}));

test("metrics are in Prometheus' format and outlive a router", () => withInstance({}, async ({ s }) => {
	const metric = async (name) => Number(String((await get(s.admin, "/metrics")).body).match(new RegExp(`^sioinit_${name} (.*)$`, "m"))[1]);
	for (let i = 0; i < 3; i++) await get(s.port, "/");
	assert.strictEqual(await metric("http_requests_total"), 3);
	await get(s.port, "/slow?300");
	assert.strictEqual(await metric('http_request_duration_seconds_bucket{le="0.25"}'), 3);
	assert.strictEqual(await metric("http_request_duration_seconds_count"), 4);
	const routers = routersOf(s.pid);
	process.kill(routers[0], "SIGKILL");
	await until(async () => (await metric("router_starts_total")) === routers.length + 1, "the next router");
	await until(async () => (await get(s.port, "/")).status === 200, "it serves");
	assert.ok((await metric("http_requests_total")) >= 4);
	for (const line of String((await get(s.admin, "/metrics")).body).trim().split("\n"))
		assert.match(line, /^(# (HELP|TYPE) (sioinit|process)_\w+ .+|(sioinit|process)_\w+({\w+="[^"]*"(,\w+="[^"]*")*})? [-+.e\d]+)$/);
}));

test("an instance whose socket is taken removes nobody's", () => withInstance({}, async ({ cli, socket }) => {
	const second = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_DRAIN_TIME: "0.2", ...socket });
	assert.match(second.log, /SIOINIT_ADMIN_SOCKET=.*: Address already in use/);
	assert.strictEqual(await second.stop(), 0);
	assert.strictEqual((await cli("status")).code, 0);
}));

const noNamespaces = spawnSync("unshare", ["--pid", "--fork", "true"]).status !== 0 && "no pid namespaces here";

test("who is of another PID namespace is not answered", { skip: noNamespaces }, () => withInstance({}, async ({ s, socket }) => {
	const inside = spawnSync("unshare", ["--pid", "--fork", process.env.BIN_UNDER_TEST, "status"], { env: { ...process.env, ...socket }, encoding: "utf8" });
	assert.strictEqual(inside.status, 1, inside.stdout);
	assert.match(inside.stderr, /no answer/);
	await until(() => /admin socket: uid=0 pid=\d+ was not answered/.test(s.log), "the line");
	// the log has a few lines of a storm, and counts the rest
	spawnSync("unshare", ["--pid", "--fork", "sh", "-c", 'for i in $(seq 40); do "$BIN" status; done'], { env: { ...process.env, ...socket, BIN: process.env.BIN_UNDER_TEST } });
	const counted = () => [...s.log.matchAll(/msg="log: (\d+) more in \d+ s like: init: admin socket: [^\n]*id=SIO-400/g)].map((m) => Number(m[1]));
	const written = () => s.log.match(/msg="init: admin socket: [^\n]*id=SIO-400/g).length;
	await until(() => written() + counted().reduce((a, b) => a + b, 0) === 41, "all of them");
	assert.ok(counted().length > 0 && written() < 30, `${written()} lines, ${counted()}`);
}));

test("explain: what a message means, whatever the settings are", async () => {
	const explain = (...words) => run(["explain", ...words], { SIOINIT_WORKERS: "no number" });
	const said = await explain("SIO-005");
	assert.strictEqual(said.code, 0);
	assert.match(said.out, /^SIO-005\n\nWhat has happened\n {2}A setting is not understood\. [^]*\n\nWhat to do\n {2}\S[^]*\.\n$/);
	for (const line of said.out.split("\n")) assert.ok(line.length <= 80, line);
	for (const same of ["sio-5", "5", "005", "id=SIO-005"]) assert.deepStrictEqual(await explain(same), said, same);
	const wrong = await run([], { SIOINIT_WORKERS: "no number" });
	assert.match(wrong.out, /id=SIO-005$/m);
	assert.match((await explain()).out, /^SIO-005 {2}A setting is not understood\.$/m);
	assert.deepStrictEqual(await explain("0"), { code: 2, out: "sioinit: there is no SIO-000; the nearest is SIO-001\n" });
	assert.deepStrictEqual(await explain("no; id"), { code: 2, out: "sioinit: no; id is no id; one is SIO-001, and `sioinit explain` lists all\n" });
	assert.strictEqual((await explain("1", "2")).code, 2);
});
