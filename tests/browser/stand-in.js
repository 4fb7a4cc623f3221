// Answers as sioinit's admin address does, with states that are hard to bring a real one into: stand-in.js [WORKERS] [TROUBLE]
// serves the page of $BUILD_DIR on a port that it prints.
const fs = require("fs");
const http = require("http");
const path = require("path");

const TOKEN = "secret";
const MIB = 1 << 20;

// The same at each run
function dice(seed) {
	let x = seed;
	return () => (x = (x * 16807) % 2147483647) / 2147483647;
}

const worker = (slot, roll) => ({
	slot, pid: 1000 + slot, state: "ready", state_since_s: 3600, uptime_s: 3602 + slot, lag_s: 0.001 + 0.003 * roll(), rss_b: Math.round((70 + 30 * roll()) * MIB), cpu_s: 0,
	sessions: Math.round(90 + 20 * roll()), sockets: Math.round(80 + 20 * roll()), in_flight: 0, requests: 100, handoffs: 50, starts: 1, ends: 0, backlog_b: 0, evictions: 0, memory_limit_b: null,
});

const wave = (n, base, roll) => Array.from({ length: n }, (_, i) => Math.round(base * (1 + 0.25 * Math.sin(i / 9)) * (0.9 + 0.2 * roll()) * 10) / 10);

function service(n) {
	const roll = dice(7);
	return {
		schema: 1, version: "0.1.0", host: "chat-7f9c", now_ms: Date.now(), phase: "serving", uptime_s: 93840, upstream: "native", ok: true, conditions: [],
		workers_wanted: n, workers_ready: n, cpus: Math.min(n, 8), routers: 1, memory: { used_b: n * 95 * MIB, limit_b: n * 160 * MIB, near_misses: 0 },
		clients: 98 * n, connections: 1000 * n, sessions: 100 * n, requests: 1e6, handshakes: 1e5, upgrades: 90 * n, retries: 0, sid_misses: 0, no_worker: 0,
		responses: { "1xx": 0, "2xx": 1e6, "3xx": 0, "4xx": 0, "5xx": 0 }, worker_ends: 0, hangs: 0, reloads: 0, router_starts: 1, relay_messages: 1e6, relay_bytes: 1e8,
		relay: { queued_b: 0, limit_b: 128 * MIB, evictions: 0, passed_over: 0 }, reload: { state: "idle", slot: null, done: 0, of: 0, last: "none" }, drain: { stage: "none", since_s: 0 },
		workers: Array.from({ length: n }, (_, slot) => worker(slot, roll)), deaths: [],
		history: { step_s: 5, requests: wave(60, 240, roll), broadcasts: wave(60, 90, roll), connects: wave(60, 12, roll), errors: Array(60).fill(0), lag_s: Array.from({ length: n }, () => wave(60, 40, roll).map((l) => l / 1e4)) },
		sidecars: [],
	};
}

const TROUBLES = {
	memory(s) {
		s.ok = false;
		s.memory.used_b = s.memory.limit_b * 0.94;
		s.memory.near_misses = 3;
		s.conditions.push({ severity: "warn", id: "memory-high", slot: null, text: "94 % of the memory limit is used", since_s: 312 });
	},
	hang(s) {
		s.ok = false;
		s.workers_ready--;
		Object.assign(s.workers[1], { state: "suspect", state_since_s: 12, lag_s: 12.4 });
		s.history.lag_s[1].splice(-3, 3, 2, 7, 12);
		s.conditions.push({ severity: "error", id: "hanging", slot: 1, text: "worker 1 has not answered for 12 s", since_s: 12 });
		TROUBLES.memory(s);
	},
	reload(s) {
		s.reload = { state: "draining", slot: 2, done: 2, of: s.workers_wanted, last: "none" };
		s.workers[2].state = "draining";
		s.sidecars.push({ name: "metrics-bridge", pid: 77, state: "running", uptime_s: 93000, rss_b: 12 * MIB, cpu_s: 3, starts: 1 });
	},
	starting(s) {
		s.ok = false;
		s.phase = "starting";
		s.workers_ready = s.sessions = s.clients = 0;
		for (const w of s.workers) Object.assign(w, { state: "booting", sessions: 0, sockets: 0, uptime_s: 1, state_since_s: 1 });
		s.history = { step_s: 5, requests: [], broadcasts: [], connects: [], errors: [], lag_s: [] };
		s.conditions.push({ severity: "warn", id: "starting", slot: null, text: "no worker is ready yet", since_s: 1.2 });
	},
	crash(s) {
		s.ok = false;
		s.workers_ready--;
		s.worker_ends = 5;
		Object.assign(s.workers[2], { state: "dead", pid: 0, sessions: 0, sockets: 0, lag_s: 0, rss_b: 0, cpu_s: 0, state_since_s: 1, starts: 6, ends: 5 });
		s.deaths = [1, 9, 16, 21, 24].map((ago_s, i) => ({ ago_s, slot: 2, pid: 1200 - i, reason: "exit", code: 1, signal: null, lived_s: 2.1, text: "exit code 1 after 2.1 s" }));
		s.conditions.push({ severity: "error", id: "flapping", slot: 2, text: "worker 2 has ended 5 times in the last minute", since_s: 40 });
	},
};

const SETTINGS = [
	{ name: "SIOINIT_WORKERS", value: "4", origin: "WEB_CONCURRENCY", hidden: false },
	{ name: "SIOINIT_ADMIN_TOKEN", value: null, origin: "SIOINIT_ADMIN_TOKEN", hidden: true },
	{ name: "SIOINIT_PORT", value: "8080", origin: "default", hidden: false },
];

// A second later
function age(s) {
	s.now_ms += 1000;
	s.uptime_s++;
	s.requests += 240;
	s.relay_messages += 90;
	s.connections += 12;
	for (const w of s.workers) if (w.pid) Object.assign(w, { uptime_s: w.uptime_s + 1, state_since_s: w.state_since_s + 1, cpu_s: w.cpu_s + 0.2 + (w.slot % 3) / 10 });
	for (const c of s.conditions) c.since_s++;
	for (const d of s.deaths) d.ago_s++;
}

// { port, status, said: actions asked for, isFull: no more viewers, close() }. status may be changed at any time.
async function standIn(workers = 4, trouble = "") {
	const build = path.join(process.env.BUILD_DIR, "router/admin");
	const page = fs.readFileSync(path.join(build, "page_embedded.html"));
	const csp = [.../page_csp\[\] = ([^;]*(?:;[^;]*)*?);\n\n/.exec(fs.readFileSync(path.join(build, "page_embedded.c"), "utf8"))[1].matchAll(/"([^"]*)"/g)].map((m) => m[1]).join("");
	const self = { status: service(workers), said: [], isFull: false };
	if (trouble) TROUBLES[trouble](self.status);
	const authorised = (req) => req.headers.authorization === `Bearer ${TOKEN}`;
	const say = (res, body, code = 200) => res.writeHead(code, { "Content-Type": "application/json" }).end(JSON.stringify(body));
	const answers = {
		"/": (req, res) => res.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": csp }).end(page),
		"/access": (req, res) => say(res, { token_set: true, authorised: authorised(req) }),
		"/deaths": (req, res) => say(res, { deaths: self.status.deaths.map((d) => ({ ...d, words: authorised(req) ? ["Error: cannot find the database", "    at connect (/app/worker.js:12:9)"] : null })) }),
		"/settings": (req, res) => say(res, { settings: SETTINGS }),
		"/status": (req, res) => say(res, self.status),
		"/events": (req, res) => {
			if (self.isFull) return say(res, { text: "too many viewers" }, 503);
			res.writeHead(200, { "Content-Type": "text/event-stream" });
			const send = () => res.write(`event: status\ndata: ${JSON.stringify(self.status)}\n\n`);
			res.write("retry: 1000\n\n");
			send();
			const timer = setInterval(send, 1000);
			req.on("close", () => clearInterval(timer));
		},
	};
	const server = http.createServer((req, res) => {
		if (answers[req.url]) return answers[req.url](req, res);
		if (req.method !== "POST" || !req.url.startsWith("/actions/")) return say(res, { code: 1, text: "not found" }, 404);
		if (!authorised(req)) return say(res, { code: 1, text: "wrong token" }, 401);
		self.said.push(req.url);
		say(res, { code: 0, text: "as you say" });
	});
	const clock = setInterval(() => age(self.status), 1000);
	await new Promise((resolve) => server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", resolve));
	self.port = server.address().port;
	self.close = () => {
		clearInterval(clock);
		server.closeAllConnections();
		return new Promise((resolve) => server.close(resolve));
	};
	return self;
}

module.exports = { standIn, TOKEN };
if (require.main === module) standIn(Number(process.argv[2] ?? 4), process.argv[3]).then((s) => console.log(`http://127.0.0.1:${s.port}/`));
