// /metrics in both formats, what its counters and histograms count, and the probes.
const test = require("node:test");
const assert = require("node:assert");
const path = require("path");
const { spawnSync } = require("child_process");
const { start, get, until } = require("./harness");
const openmetrics = require("./openmetrics");
const { wire } = require("./wire");

const tools = spawnSync(path.join(__dirname, "../../script/prometheus-tools"), { encoding: "utf8" });
const noPromtool = tools.status !== 0 && (tools.stderr.trim().split("\n").at(-1) || "no promtool");

async function serving(args, env, use) {
	const s = await start(args, { SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.1", ...env });
	try {
		await use(s);
	} catch (err) {
		err.message += `\n${s.log}`;
		throw err;
	} finally {
		await s.stop();
	}
}

async function scrape(s, accept) {
	const { status, headers, body } = await get(s.admin, "/metrics", { headers: accept ? { Accept: accept } : {} });
	assert.strictEqual(status, 200);
	return { type: headers["content-type"], text: String(body) };
}

// By name and labels, as the text has them.
async function values(s) {
	const lines = (await scrape(s)).text.split("\n").filter((line) => line && !line.startsWith("#"));
	return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}

const value = async (s, id) => (await values(s))[`sioinit_${id}`];
const becomes = (s, id, n) => until(async () => (await value(s, id)) === n, `${id} ${n}`);
const ends = async (s) => {
	const found = [];
	for (const [id, n] of Object.entries(await values(s))) {
		const [, reason] = /^sioinit_worker_ends_total\{reason="(.*)"\}$/.exec(id) ?? [];
		if (reason && n) found.push([reason, n]);
	}
	return Object.fromEntries(found);
};
const upgrade = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const whoAt = async (s, url = "/") => JSON.parse((await get(s.port, url)).body);

// What Prometheus 2 sends.
const PREFERRED = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT = "text/plain; version=0.0.4; charset=utf-8";

// The app's own names are its own business.
const lint = (text) => {
	const { status, stdout, stderr } = spawnSync(path.join(tools.stdout.trim(), "promtool"), ["check", "metrics"], { input: text, encoding: "utf8" });
	const faults = (stdout + stderr).split("\n").filter((line) => line && !/^(app|nodejs)_\w+ /.test(line));
	assert.deepStrictEqual({ faults, parsed: status !== 1 }, { faults: [], parsed: true });
};

test("promtool has nothing to say about the metrics", { skip: noPromtool }, () =>
	serving(["plain.js"], { SIOINIT_SIDECAR_HELPER: "sleep 60" }, async (s) => {
		const { text } = await scrape(s);
		assert.match(text, /^sioinit_sidecar_running\{sidecar="helper"\} /m);
		lint(text);
	}));

test("those of the app are valid in both formats, and its process_... are the only ones", { skip: noPromtool }, () =>
	serving(["metrics.js"], { DEFAULTS: "1" }, async (s) => {
		const both = () => Promise.all([scrape(s), scrape(s, PREFERRED)]);
		const [{ type, text }, open] = await until(async () => {
			const scraped = await both();
			return scraped.every((one) => one.text.includes('\nsioinit_app_metrics_workers{state="answered"} 2\n')) && scraped;
		}, "metrics of both workers");
		assert.deepStrictEqual([type, open.type], [TEXT, OPEN]);
		assert.strictEqual(text.match(/^# TYPE process_resident_memory_bytes /gm).length, 1);
		lint(text);
		const families = openmetrics(open.text);
		assert.strictEqual(families.get("process_resident_memory_bytes").samples.length, 1);
		assert.deepStrictEqual(["app_paths", "app_took_seconds", "app_bytes", "app_sum"].map((name) => families.get(name).type), ["counter", "histogram", "summary", "gauge"]);
		assert.strictEqual(families.get("app_paths").help, "Back\\\\slash,\\nnewline.");
		const samples = (of) => of.split("\n").filter((line) => /^app_/.test(line));
		assert.deepStrictEqual(samples(open.text), samples(text));
	}));

test("each gets the format that it wants, and both have the same samples", () =>
	serving(["plain.js"], {}, async (s) => {
		const wishes = [
			[undefined, TEXT], ["*/*", TEXT], ["text/plain", TEXT], [PREFERRED, OPEN], ["application/openmetrics-text", OPEN],
			["text/plain, application/OpenMetrics-Text; version=1.0.0", OPEN], ["application/openmetrics-text;q=0.4,text/plain;q=0.5", TEXT],
			["application/openmetrics-text;q=0", TEXT], ["application/openmetrics-text;version=0.0.1", TEXT],
			["application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", OPEN],
		];
		for (const [accept, type] of wishes) assert.strictEqual((await scrape(s, accept)).type, type, accept);
		const text = Object.keys(await values(s));
		const families = openmetrics((await scrape(s, PREFERRED)).text);
		assert.deepStrictEqual([...families.values()].reduce((n, { samples }) => n + samples.length, 0), text.length);
		for (const [name, type, unit] of [["sioinit_build", "info", ""], ["sioinit_http_requests", "counter", ""], ["sioinit_relay_bytes", "counter", "bytes"],
			["sioinit_uptime_seconds", "gauge", "seconds"], ["sioinit_handoff_duration_seconds", "histogram", "seconds"], ["process_cpu_seconds", "counter", "seconds"]])
			assert.deepStrictEqual([families.get(name)?.type, families.get(name)?.unit], [type, unit], name);
		const head = await get(s.admin, "/metrics", { method: "HEAD", headers: { Accept: PREFERRED } });
		assert.deepStrictEqual([head.status, head.headers["content-type"], head.body.length], [200, OPEN, 0]);
	}));

test("every end of a worker has its reason", { timeout: 60000 }, () =>
	serving(["unwell.js"], { SIOINIT_PING_INTERVAL: "0.1", SIOINIT_HANG_TIMEOUT: "1", SIOINIT_RESTART_DELAY: "0.05" }, async (s) => {
		const serves = () => becomes(s, "workers_ready", 2);
		assert.deepStrictEqual(await ends(s), {});
		await whoAt(s, "/exit?3");
		await becomes(s, 'worker_ends_total{reason="exit"}', 1);
		await serves();
		process.kill((await whoAt(s)).pid, "SIGKILL");
		await becomes(s, 'worker_ends_total{reason="signal"}', 1);
		await serves();
		await whoAt(s, "/hang");
		await becomes(s, 'worker_ends_total{reason="hang"}', 1);
		await serves();
		process.kill((await whoAt(s)).pid, "SIGSTOP");
		await becomes(s, 'worker_ends_total{reason="stopped"}', 1);
		await serves();
		process.kill(s.pid, "SIGHUP");
		await becomes(s, 'worker_ends_total{reason="asked"}', 2);
		assert.deepStrictEqual(await ends(s), { asked: 2, exit: 1, signal: 1, hang: 1, stopped: 1 });
		const now = await values(s);
		assert.strictEqual(now.sioinit_worker_drain_duration_seconds_count, 2);
		assert.strictEqual(now.sioinit_worker_ready_duration_seconds_count, 8);
		assert.strictEqual(now.sioinit_reload_failures_total, 0);
		assert.strictEqual(now.sioinit_workers_wanted, 2);
	}));

test("requests, hand-offs, event loops and starts are measured, init and routers are seen", () =>
	serving(["upgrades.js"], { KIND: "raw", SIOINIT_WORKERS: "1", SIOINIT_ROUTERS: "1", SIOINIT_PING_INTERVAL: "0.1" }, async (s) => {
		for (let i = 0; i < 3; i++) await whoAt(s);
		for (let i = 0; i < 2; i++) { // the first one shows that the app takes them, the next is handed over
			const w = wire({ port: s.port, host: "127.0.0.1" }).send(upgrade);
			await w.take(/^HTTP\/1\.1 101 [^]*?\r\n\r\n/);
			w.close();
		}
		await becomes(s, "handoff_duration_seconds_count", 1);
		await until(async () => (await value(s, "event_loop_lag_seconds_count")) >= 2, "answers to pings");
		const now = await values(s);
		const sum = (of) => now[`sioinit_${of}_sum`];
		assert.ok(now.sioinit_http_request_duration_seconds_count >= 3);
		assert.strictEqual(now.sioinit_worker_ready_duration_seconds_count, 1);
		assert.ok(sum("handoff_duration_seconds") > 0 && sum("handoff_duration_seconds") < 5, sum("handoff_duration_seconds"));
		assert.ok(sum("worker_ready_duration_seconds") > 0.02 && sum("worker_ready_duration_seconds") < 40, sum("worker_ready_duration_seconds"));
		assert.ok(sum("event_loop_lag_seconds") > 0);
		assert.ok(Math.abs(now.process_start_time_seconds - Date.now() / 1000) < 60);
		for (const id of ["process_resident_memory_bytes", "process_virtual_memory_bytes", "process_max_fds", 'sioinit_router_resident_memory_bytes{router="0"}'])
			assert.ok(now[id] > 0, id);
	}));

test("lost sessions are told apart: nobody knows them, or their worker has ended", () =>
	serving(["handshake.js"], { SIOINIT_SID_PARAM: "sid", ID: "abc" }, async (s) => {
		const poll = (sid) => get(s.port, `/?EIO=4&transport=polling${sid}`);
		const { headers } = await poll("");
		await poll("&sid=abc");
		await poll("&sid=of-another-container");
		const workers = JSON.parse((await get(s.admin, "/status")).body).workers;
		process.kill(workers[headers["x-slot"]].pid, "SIGKILL");
		await until(async () => {
			await poll("&sid=abc");
			return (await value(s, 'sid_misses_total{reason="worker_ended"}')) >= 1;
		}, "the routers to hear of its end");
		assert.strictEqual(await value(s, 'sid_misses_total{reason="unknown"}'), 1);
	}));

test("probes say one word, or with ?verbose all of their checks, and ?exclude leaves some out", () =>
	serving(["unwell.js"], { SIOINIT_SHUTDOWN_DELAY: "30" }, async (s) => {
		const ask = async (target, options) => {
			const { status, body } = await get(s.admin, target, options);
			return [status, String(body)];
		};
		assert.deepStrictEqual(await ask("/readyz"), [200, "ok\n"]);
		assert.deepStrictEqual(await ask("/livez?verbose"), [200, "[+]init ok\nlivez check passed\n"]);
		assert.deepStrictEqual(await ask("/readyz?verbose"), [200, "[+]init ok\n[+]phase ok\n[+]workers ok\nreadyz check passed\n"]);
		assert.deepStrictEqual(await ask("//healthz?verbose=1", { method: "HEAD" }), [200, ""]);
		process.kill(s.pid, "SIGTERM");
		await until(async () => (await ask("/readyz"))[0] === 503, "the stop");
		assert.deepStrictEqual(await ask("/readyz"), [503, "shutting down\n"]);
		assert.deepStrictEqual(await ask("/livez"), [200, "ok\n"]);
		assert.deepStrictEqual(await ask("/healthz?verbose"), [503, "[+]init ok\n[-]phase failed: shutting down\n[+]workers ok\nhealthz check failed\n"]);
		assert.deepStrictEqual(await ask("/readyz?exclude=phase"), [200, "ok\n"]);
		assert.deepStrictEqual(await ask("/readyz?exclude=etcd&verbose&exclude=phase&exclude=%22x"), [
			200,
			'[+]init ok\n[+]phase excluded: ok\n[+]workers ok\nwarn: some health checks cannot be excluded: no matches for "etcd","?22x"\nreadyz check passed\n',
		]);
		process.kill(s.pid, "SIGTERM"); // skips the rest of the wait
	}));
