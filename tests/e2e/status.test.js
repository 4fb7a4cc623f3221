// What /status says, by its published schema: idle, in trouble, while workers are replaced, while it stops.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const Ajv = require("ajv/dist/2020");
const { start, run, get, until } = require("./harness");

const schema = JSON.parse(fs.readFileSync(path.join(__dirname, "../../docs/status.schema.json")));
const isValid = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true }).compile(schema);

async function status(s) {
	const text = (await get(s.admin, "/status")).body.toString(), json = JSON.parse(text);
	assert.ok(isValid(json), JSON.stringify(isValid.errors, null, 1));
	return { ...json, text };
}

const ids = (st) => st.conditions.map((c) => c.id);
const condition = (s, id) => until(async () => (await status(s)).conditions.find((c) => c.id === id), id);
const goes = (s, id) => until(async () => !ids(await status(s)).includes(id), `the end of ${id}`);
const death = (s, pid) => until(async () => (await status(s)).deaths.find((d) => d.pid === pid), `the end of ${pid}`, 1000);

async function live(env, body) {
	const tmp = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const socket = { SIOINIT_ADMIN_SOCKET: `${tmp}/admin` };
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.1", FAIL_FILE: `${tmp}/fail`, ...env, ...socket });
	const cli = async (...words) => (await run(words, socket)).out;
	let code;
	try {
		await until(async () => (await status(s)).workers_ready === (await status(s)).workers_wanted, "all ready");
		code = await body(s, cli, `${tmp}/fail`);
	} finally {
		const ended = await s.stop();
		fs.rmSync(tmp, { recursive: true });
		assert.strictEqual(ended, code ?? 0, s.log);
	}
}

test("all is well; the history counts; nothing of clients or the app's environment is told", () =>
	live({ SECRET: "hush-hush", SIOINIT_SIDECAR_SHIPPER: "sidecar.js", SIOINIT_MAX_MEMORY: "300M" }, async (s, cli) => {
		const sid = "0123456789abcdefghij";
		for (let i = 0; i < 10; i++) await get(s.port, `/socket.io/?EIO=4&transport=polling&sid=${sid}`, { headers: { "x-forwarded-for": "192.0.2.77" } });
		const st = await until(async () => {
			const now = await status(s), counted = now.history.requests.reduce((sum, n) => sum + n, 0) * now.history.step_s;
			return counted > 6 && counted < 11 && now; // a step may be a little longer than said
		}, "a step with the requests");
		assert.deepStrictEqual({ schema: st.schema, ok: st.ok, conditions: st.conditions, deaths: st.deaths, phase: st.phase }, { schema: 1, ok: true, conditions: [], deaths: [], phase: "serving" });
		for (const series of [st.history.broadcasts, st.history.connects, st.history.errors, ...st.history.lag_s]) assert.strictEqual(series.length, st.history.requests.length);
		assert.strictEqual(st.history.lag_s.length, 2);
		assert.ok(st.workers.every((w) => w.memory_limit_b > 260e6 && w.memory_limit_b <= 300 << 20), st.text);
		assert.strictEqual(st.sidecars[0].name, "shipper");
		assert.strictEqual(st.host, os.hostname());
		assert.ok(Math.abs(Date.now() - st.now_ms) < 60000);
		for (const secret of ["hush-hush", "SECRET", sid, "192.0.2.77", "127.0.0.1"]) assert.ok(!st.text.includes(secret), secret);
		assert.match(await cli("status"), /^all is well\nsioinit /);
	}));

test("ends that nobody asked for are told with their reason within a second; those that were asked for are not", () =>
	live({ SIOINIT_HANG_TIMEOUT: "1", SIOINIT_MIN_UPTIME: "0" }, async (s, cli) => {
		const asked = (await status(s)).workers.map((w) => w.pid);
		await cli("reload");
		const [killed, exiting] = (await status(s)).workers.map((w) => w.pid);
		process.kill(killed, "SIGKILL");
		const { ago_s, lived_s, text, ...rest } = await death(s, killed);
		assert.deepStrictEqual(rest, { slot: 0, pid: killed, reason: "signal", code: null, signal: "SIGKILL", ready: true });
		assert.ok(ago_s < 1 && lived_s < 20, text);
		assert.match(text, /^SIGKILL after \d+s$/);
		await until(async () => JSON.parse((await get(s.port, "/exit?7")).body).pid === exiting, "it is asked");
		assert.match((await death(s, exiting)).text, /^exit code 7 after \d+s$/);
		await until(async () => (await status(s)).workers_ready === 2, "all ready again");
		const hanging = JSON.parse((await get(s.port, "/hang")).body).pid;
		const hang = await until(async () => (await status(s)).deaths.find((d) => d.pid === hanging), "it is killed");
		assert.strictEqual(hang.reason, "hang");
		assert.match(hang.text, /^killed: event loop silent for \d+s, after \d+s$/);
		const st = await status(s);
		assert.ok(!st.deaths.some((d) => asked.includes(d.pid)), st.text);
		assert.deepStrictEqual(st.deaths.map((d) => d.ago_s), st.deaths.map((d) => d.ago_s).sort((a, b) => a - b));
		assert.strictEqual(st.workers.reduce((sum, w) => sum + w.ends, 0), st.worker_ends);
	}));

test("conditions come and go: a slow worker, a loop of crashes, not ready on purpose", () =>
	live({ SIOINIT_LAG_WARN: "0.2", SIOINIT_PING_INTERVAL: "0.1", SIOINIT_MIN_UPTIME: "0", SIOINIT_RESTART_DELAY: "0.05" }, async (s, cli) => {
		const { slot } = JSON.parse((await get(s.port, "/pause")).body);
		const slow = await condition(s, "suspect");
		assert.deepStrictEqual({ severity: slow.severity, slot: slow.slot }, { severity: "warn", slot: Number(slot) });
		await goes(s, "suspect");
		await cli("drain");
		assert.strictEqual((await condition(s, "held")).severity, "warn");
		const held = await status(s);
		assert.deepStrictEqual([held.ok, held.phase, held.drain.stage], [false, "lame-duck", "held"]);
		assert.match(await cli("status"), /^not all is well:\n {2}warn {3}not ready for the outside.* \(for \d+s\)\nsioinit /);
		await cli("drain", "off");
		await goes(s, "held");
		assert.strictEqual((await status(s)).drain.stage, "none");
		await cli("scale", "1");
		for (let i = 0; i < 3; i++) {
			const { pid } = await until(async () => (await status(s)).workers.find((w) => w.state === "ready"), "ready");
			process.kill(pid, "SIGKILL");
			await death(s, pid);
		}
		const loop = await condition(s, "flapping");
		assert.strictEqual(loop.text, "worker 0 has ended 3 times in the last minute");
		assert.strictEqual((await status(s)).ok, false);
	}));

test("how far a reload is, and that it has failed until one does not", () =>
	live({ BOOT_TAKES: "300", SIOINIT_WORKERS: "3" }, async (s, cli, failFile) => {
		const seen = new Set();
		let over = false;
		const reload = cli("reload").finally(() => (over = true));
		while (!over) {
			const { reload: r } = await status(s);
			seen.add(`${r.state} ${r.slot} ${r.done}/${r.of}`);
			await new Promise((resolve) => setTimeout(resolve, 20)); // between two looks
		}
		await reload;
		for (const one of ["booting 0 0/3", "booting 1 1/3", "booting 2 2/3"]) assert.ok(seen.has(one), [...seen].join(", "));
		const { last_ago_s, ...after } = (await status(s)).reload;
		assert.deepStrictEqual(after, { state: "idle", slot: null, done: 0, of: 0, last: "ok" });
		assert.ok(last_ago_s < 10);
		fs.writeFileSync(failFile, "");
		await cli("reload");
		assert.strictEqual((await condition(s, "reload-failed")).severity, "warn");
		assert.strictEqual((await status(s)).reload.last, "failed");
		const early = (await status(s)).deaths[0];
		assert.deepStrictEqual({ reason: early.reason, code: early.code, ready: early.ready }, { reason: "exit", code: 9, ready: false });
		assert.match(early.text, /^exit code 9 after \d+s, not ready yet$/);
		fs.rmSync(failFile);
		await cli("reload");
		assert.ok(!ids(await status(s)).includes("reload-failed"));
	}));

test("the stages of the stop", () =>
	live({ SIOINIT_SHUTDOWN_DELAY: "1.2", TERM_TAKES: "1200" }, async (s) => {
		const stage = (what) => until(async () => {
			const st = await status(s);
			return st.drain.stage === what && st;
		}, what);
		process.kill(s.pid, "SIGTERM");
		const first = await stage("lame-duck");
		assert.deepStrictEqual([first.phase, first.ok, ids(first)], ["lame-duck", true, ["lame-duck"]]);
		assert.ok(first.drain.since_s < 1.2);
		const then = await until(async () => {
			const st = await status(s);
			return st.phase === "draining" && st;
		}, "draining");
		assert.deepStrictEqual([["draining", "stopping"].includes(then.drain.stage), then.ok, ids(then)], [true, true, ["draining"]]);
	}));

test("the page names every field of the schema, every condition and every reason", () => {
	const docs = path.join(__dirname, "../..");
	const page = fs.readFileSync(path.join(docs, "docs/status.md"), "utf8"), source = fs.readFileSync(path.join(docs, "ipc/conditions.c"), "utf8");
	const fields = (props, before = "") => Object.entries(props).flatMap(([name, what]) => [before + name, ...(what.properties ? fields(what.properties, `${before}${name}.`) : [])]);
	const all = [schema, ...Object.values(schema.$defs)].flatMap((one) => fields(one.properties)).filter((name) => !/^responses\./.test(name));
	const told = [...source.matchAll(/CONDITION_[A-Z]+, "([a-z-]+)"/g)].map((m) => m[1]);
	assert.strictEqual(new Set(told).size, 16);
	const missing = [...all, ...told, ...schema.$defs.death.properties.reason.enum].filter((name) => !new RegExp(`^\\| \`${name}[\\[\\]]*\` \\|`, "m").test(page));
	assert.deepStrictEqual(missing, []);
	assert.deepStrictEqual(told.filter((id) => !schema.$defs.condition.properties.id.description.includes(id)), []);
});
