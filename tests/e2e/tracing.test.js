// Spans: the router's is the parent of the app's, made by OpenTelemetry's own SDK; its line is a record that a collector can join to it.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { isSpanContextValid, TraceFlags } = require("@opentelemetry/api");
const { TraceIdRatioBasedSampler, SamplingDecision } = require("@opentelemetry/sdk-trace-node");
const { io } = require("socket.io-client");
const { start, get, until } = require("./harness");
const openmetrics = require("./openmetrics");
const { wire } = require("./wire");

async function using(args, env, body) {
	const s = await start(args, { SIOINIT_WORKERS: "1", SIOINIT_TRACE_SPANS: "on", SIOINIT_LOG_FORMAT: "json", ...env });
	try {
		await body(s);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

const severities = { debug: 5, info: 9, warn: 13, error: 17 };

// What the Collector's filelog receiver makes of a line (json_parser, time_parser, trace_parser, severity_parser of docs/tracing.md), by
// https://opentelemetry.io/docs/specs/otel/logs/data-model/
function record(line) {
	const { time, level, msg, trace_id, span_id, trace_flags, ...attributes } = JSON.parse(line);
	const r = { Timestamp: Date.parse(time), SeverityText: level, SeverityNumber: severities[level], Body: msg, Attributes: attributes };
	assert.ok(r.Timestamp > 0 && r.SeverityNumber > 0 && typeof r.Body === "string", line);
	if (span_id === undefined) return r;
	assert.ok(isSpanContextValid({ traceId: trace_id, spanId: span_id }), line);
	assert.match(trace_flags, /^[\da-f]{2}$/);
	for (const v of Object.values(attributes)) assert.ok(typeof v === "string" || Number.isSafeInteger(v), line);
	return Object.assign(r, { TraceId: trace_id, SpanId: span_id, TraceFlags: parseInt(trace_flags, 16) });
}

// The spans in the log, each with its parts, which make up the whole.
function spansOf(log) {
	const records = log.split("\n").filter((l) => l.startsWith("{") && l.includes('"span_id"')).map(record);
	for (const { Attributes: a, TraceFlags: flags } of records) {
		assert.strictEqual(a.kind, "server");
		assert.strictEqual(flags & TraceFlags.SAMPLED, TraceFlags.SAMPLED);
		assert.match(a.start, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
		assert.ok(Math.abs(Date.parse(a.start) - Date.now()) < 60000);
		const parts = ["queue_us", "wait_us", "response_us", "handoff_us"].map((p) => a[p] ?? 0);
		assert.ok(parts.every((p) => p >= 0));
		const sum = parts.reduce((x, y) => x + y);
		if (a.outcome !== "refused") assert.ok(sum <= a.duration_us && sum >= a.duration_us - 4, `${parts} of ${a.duration_us}`);
	}
	return records;
}

const spans = (s, n) => until(async () => {
	const all = spansOf(s.log);
	return all.length >= n && all;
}, `${n} spans`);

const ask = async (s, headers = {}, url = "/") => JSON.parse((await get(s.port, url, { headers })).body);
const caller = "b7ad6b7169203331";
const parent = (flags, id = "0af7651916cd43dd8448eb211c80319c") => `00-${id}-${caller}-${flags}`;

test("the app's span is a child of the router's, in one trace with the line, the access log and the caller", { timeout: 60000 }, () =>
	using(["traced.js"], { SIOINIT_TRACEPARENT: "make", SIOINIT_ACCESS_LOG: "json" }, async (s) => {
		const root = await ask(s), child = await ask(s, { traceparent: parent("01"), tracestate: "a=b" }, "/some/path?token=secret");
		assert.deepStrictEqual([child.traceId, child.state], [parent("01").slice(3, 35), "a=b"]);
		assert.deepStrictEqual([root.traceFlags, child.traceFlags], [1, 1]);
		const [first, second] = await spans(s, 2);
		for (const [app, router] of [[root, first], [child, second]]) {
			assert.strictEqual(app.parent, router.SpanId);
			assert.strictEqual(app.traceId, router.TraceId);
			assert.ok(s.out.includes(`"trace":"${app.traceId}"`) || (await until(async () => s.out.includes(`"trace":"${app.traceId}"`), "the access log")));
		}
		assert.notStrictEqual(first.SpanId, second.SpanId);
		assert.deepStrictEqual([first.Attributes.parent_span_id, second.Attributes.parent_span_id], [undefined, caller]);
		const { method, path, status, name, outcome, worker, route, retries } = second.Attributes;
		assert.deepStrictEqual({ method, path, status, name, outcome, worker, route, retries }, { method: "GET", path: "/some/path", status: 200, name: "GET", outcome: "answered", worker: 0, route: "no sid", retries: 0 });
		assert.doesNotMatch(s.log, /secret|127\.0\.0\.1/, "neither the query nor who asked");
	}));

test("who has decided not to sample is obeyed, and who lies is not believed", { timeout: 60000 }, () =>
	using(["traced.js"], {}, async (s) => {
		const quiet = await ask(s, { traceparent: parent("00") });
		assert.deepStrictEqual([quiet.heard, quiet.traceId, quiet.traceFlags, quiet.recording], [parent("00"), parent("00").slice(3, 35), 0, false]);
		const hostile = [parent("01").toUpperCase(), parent("01").replace("00-", "ff-"), `${parent("01")}-x`, parent("01", "0".repeat(32)), "00-x", `${parent("01")}, ${parent("01")}`, `00-${"\u00ff".repeat(32)}-${caller}-01`, "a".repeat(4000)];
		for (const traceparent of hostile) {
			const got = await ask(s, { traceparent, tracestate: "a=b" });
			assert.deepStrictEqual([got.parent, got.state], [undefined, undefined], traceparent);
		}
		const future = await ask(s, { traceparent: `${parent("ff").replace("00-", "cc-")}-more` });
		const [only] = await spans(s, 1);
		assert.deepStrictEqual([future.traceId, future.parent, only.Attributes.parent_span_id], [only.TraceId, only.SpanId, caller]);
		assert.strictEqual(spansOf(s.log).length, 1);
	}));

test("a ratio of the traces that are made is sampled: those that OpenTelemetry would take", { timeout: 60000 }, () =>
	using(["traced.js"], { SIOINIT_TRACEPARENT: "make", SIOINIT_TRACE_SAMPLE: "0.3" }, async (s) => {
		const sampler = new TraceIdRatioBasedSampler(0.3), asked = [];
		for (let i = 0; i < 200; i++) asked.push(await ask(s));
		const taken = asked.filter((a) => sampler.shouldSample(null, a.traceId).decision === SamplingDecision.RECORD_AND_SAMPLED);
		assert.ok(taken.length > 25 && taken.length < 100, `${taken.length} of 200`);
		for (const a of asked) assert.strictEqual(a.traceFlags, Number(taken.includes(a)));
		const lines = await spans(s, taken.length);
		assert.deepStrictEqual(lines.map((l) => [l.TraceId, l.SpanId]), taken.map((a) => [a.traceId, a.parent]));
	}));

test("without spans, and without a ratio, a trace that is made is sampled, and nothing is written", { timeout: 60000 }, () =>
	using(["traced.js"], { SIOINIT_TRACEPARENT: "make", SIOINIT_TRACE_SPANS: "off" }, async (s) => {
		assert.strictEqual((await ask(s)).traceFlags, 1);
		assert.doesNotMatch(s.log, /span_id/);
	}));

test("Socket.IO: a WebSocket's span ends when the worker has its socket; refusals have one, too", { timeout: 60000 }, (t) =>
	using(["traced.js"], { SIOINIT_TRACEPARENT: "make", SIOINIT_HANDSHAKE_RATE: "1", SIOINIT_HANDSHAKE_BURST: "2" }, async (s) => {
		const polling = "/socket.io/?EIO=4&transport=polling";
		const client = io(`http://127.0.0.1:${s.port}`, { extraHeaders: { traceparent: parent("01") } });
		t.after(() => client.close());
		await new Promise((resolve) => client.io.engine.on("upgrade", resolve));
		await until(async () => (await get(s.port, polling)).status === 503, "a refusal");
		const all = await until(async () => {
			const got = spansOf(s.log).map((r) => ({ ...r.Attributes, trace: r.TraceId }));
			return got.some((a) => a.status === 503) && got.some((a) => /upgraded|handed-over/.test(a.outcome)) && got;
		}, "their spans");
		const refused = all.find((a) => a.status === 503), upgrade = all.find((a) => /upgraded|handed-over/.test(a.outcome));
		assert.deepStrictEqual([refused.outcome, refused.worker, refused.wait_us], ["refused", undefined, undefined]);
		assert.deepStrictEqual([upgrade.trace, upgrade.parent_span_id], [parent("01").slice(3, 35), caller]);
		assert.ok(all.every((a) => a.name === "GET /socket.io/" || a.name === "POST /socket.io/"));
		// the next ones are handed over, as it is known that the worker takes them
		const next = io(`http://127.0.0.1:${s.port}`, { forceNew: true, transports: ["websocket"], reconnectionDelay: 100, extraHeaders: { traceparent: parent("01", "1".repeat(32)) } });
		t.after(() => next.close());
		await new Promise((resolve) => next.on("connect", resolve));
		const { Attributes: last } = await until(async () => spansOf(s.log).find((r) => r.Attributes.outcome === "handed-over" && r.TraceId === "1".repeat(32)), "its span");
		assert.ok(last.handoff_us > 0 && last.status === undefined);
	}));

test("a WebSocket that its worker did not live to take goes on with its span", { timeout: 60000 }, (t) =>
	using(["traced.js"], {}, async (s) => {
		const upgrades = async () => Number(/^sioinit_upgrades_total (\d+)$/m.exec((await get(s.admin, "/metrics")).body)[1]);
		const known = io(`http://127.0.0.1:${s.port}`, { transports: ["websocket"], reconnection: false });
		t.after(() => known.close());
		await new Promise((resolve) => known.on("connect", resolve));
		const [{ pid }] = JSON.parse((await get(s.admin, "/status")).body).workers, before = await upgrades();
		await get(s.port, "/hang");
		const w = wire(s.port).send(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${s.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\ntraceparent: ${parent("01")}\r\n\r\n`);
		await until(async () => (await upgrades()) > before, "the hand-off");
		assert.strictEqual(spansOf(s.log).length, 0, "it is not over");
		process.kill(pid, "SIGKILL");
		assert.strictEqual((await w.response()).status, 503);
		const [{ Attributes: a }] = await spans(s, 1);
		assert.deepStrictEqual([a.outcome, a.status, a.handoff_us, a.parent_span_id], ["refused", 503, undefined, caller]);
		assert.ok(a.retries > 0);
		w.close();
	}));

test("a bucket of the request histogram shows a trace that is in it, in OpenMetrics alone", { timeout: 60000 }, () =>
	using(["traced.js"], { SIOINIT_TRACEPARENT: "keep", SIOINIT_APP_METRICS: "off" }, async (s) => {
		const scrape = async (accept) => String((await get(s.admin, "/metrics", { headers: { accept } })).body);
		await ask(s, { traceparent: parent("00", "2".repeat(32)) });
		const began = Date.now() / 1000;
		await ask(s, { traceparent: parent("01") });
		const { samples } = openmetrics(await scrape("application/openmetrics-text;version=1.0.0")).get("sioinit_http_request_duration_seconds");
		const [{ labels, value, at }, ...others] = samples.flatMap((x) => x.exemplar ?? []);
		assert.deepStrictEqual([labels, others], [{ trace_id: parent("01").slice(3, 35) }, []]);
		assert.ok(value < 5 && Math.abs(at - began) < 5, `${value} at ${at}`);
		assert.doesNotMatch(await scrape("text/plain"), /trace_id/);
	}));

test("another try is counted, and logfmt says the same as JSON", { timeout: 60000 }, async () => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	await using(["http.js"], { SIOINIT_LOG_FORMAT: "logfmt", SIOINIT_WORKERS: "2", SIOINIT_MIN_UPTIME: "0" }, async (s) => {
		assert.strictEqual((await get(s.port, `/last?${folder}/get`, { headers: { traceparent: parent("01") } })).status, 200);
		const line = await until(async () => s.log.split("\n").find((l) => l.includes("span_id=")), "its span");
		assert.match(line, new RegExp(`^time=\\S+ level=info component=router msg="worker\\[[01]\\]: GET /last 200 in [\\d.]+ ms, trace 0af7651916cd43dd8448eb211c80319c" trace_id="0af7651916cd43dd8448eb211c80319c" span_id="[\\da-f]{16}" parent_span_id="${caller}" trace_flags="01" name="GET" kind="server" start="[^"]+" duration_us=\\d+ queue_us=\\d+ wait_us=\\d+ response_us=\\d+ method="GET" path="/last" status=200 outcome="answered" worker=[01] route="no sid" retries=1$`));
	});
	fs.rmSync(folder, { recursive: true });
});
