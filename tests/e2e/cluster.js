// A cluster of fixtures/cluster.js under a real sioinit: clients at chosen workers, who write down what they hear of
// every sender (once, in order, with which pauses), and readers of the log, the metrics and of init's memory.
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { io } = require("socket.io-client");
const { start, get, until } = require("./harness");

const MB = 1 << 20;
// what a sanitizer keeps of freed memory is none of init's
const frees = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0";
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

function within(promise, what, ms = 15000) {
	let timer;
	const late = new Promise((resolve, reject) => (timer = setTimeout(() => reject(new Error(`timeout: ${what}`)), ms)));
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The longest time that this process itself did not look at anything.
class Stall {
	constructor() {
		this.take();
		this.timer = setInterval(() => this.look(), 10);
	}
	look() {
		const now = performance.now();
		this.worst = Math.max(this.worst, now - this.last - 10);
		this.last = now;
	}
	// and begin anew
	take() {
		if (this.last) this.look();
		const worst = this.worst ?? 0;
		this.worst = 0;
		this.last = performance.now();
		return worst;
	}
	end() {
		clearInterval(this.timer);
	}
}

// What one client hears. A sender is one life of a worker ("slot.pid"); its messages are numbered from 0.
class Record {
	constructor(name) {
		this.name = name;
		this.senders = new Map();
		this.faults = [];
		this.bytes = 0;
	}
	heard(from, n, bytes) {
		const now = performance.now();
		const s = this.senders.get(from);
		this.bytes += bytes;
		if (!s) return void this.senders.set(from, { next: n + 1, last: now, worst: 0, ended: false });
		if (n !== s.next) this.faults.push(`${this.name}: ${from} said ${n} where ${s.next} was due`);
		s.next = n + 1;
		s.worst = Math.max(s.worst, now - s.last);
		s.last = now;
	}
	// The longest pause of a sender since the last call, that which goes on included; ms.
	pause(from) {
		const s = this.senders.get(from);
		if (!s) return Infinity;
		const now = performance.now();
		const worst = Math.max(s.worst, now - s.last);
		s.worst = 0;
		s.last = now;
		return worst;
	}
	next(from) {
		return this.senders.get(from)?.next ?? 0;
	}
}

class Cluster {
	constructor(sioinit, n) {
		Object.assign(this, { io, sioinit, n, clients: [], stopped: new Set(), stall: new Stall(), polls: null });
		this.pid = sioinit.pid;
	}
	get log() {
		return this.sioinit.log;
	}
	get out() {
		return this.sioinit.out;
	}
	lines(pattern) {
		return this.log.split("\n").filter((l) => pattern.test(l));
	}

	// Memory of init: resident now, and its peak since peak(true); bytes.
	status(field) {
		return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(fs.readFileSync(`/proc/${this.pid}/status`, "utf8"))[1]);
	}
	resident() {
		return this.status("VmRSS");
	}
	peakBegins() {
		fs.writeFileSync(`/proc/${this.pid}/clear_refs`, "5");
		return this.resident();
	}
	peak() {
		return this.status("VmHWM");
	}

	async metrics() {
		const text = String((await get(this.sioinit.admin, "/metrics", { host: "127.0.0.1" })).body);
		return new Map(text.split("\n").filter((l) => l && !l.startsWith("#")).map((l) => [l.slice(0, l.lastIndexOf(" ")), Number(l.slice(l.lastIndexOf(" ") + 1))]));
	}
	// The sum over all labels, or of those rows that have @label; undefined: there is no such metric.
	async metric(name, label = "") {
		const rows = [...(await this.metrics())].filter(([key]) => key.split("{")[0] === name && key.includes(label));
		return rows.length ? rows.reduce((sum, [, value]) => sum + value, 0) : undefined;
	}
	async workers() {
		return JSON.parse((await get(this.sioinit.admin, "/status", { host: "127.0.0.1" })).body).workers;
	}
	// All workers ready; those of @slots have another process than @pid.
	settled(what = "all workers ready", ms = 30000) {
		return until(async () => {
			const ready = (await this.workers()).filter((w) => w.state === "ready");
			return ready.length === this.n && ready;
		}, what, ms);
	}
	replaced(slot, pid, ms = 30000) {
		return until(async () => (await this.workers()).find((w) => (w.slot === slot && w.state === "ready" && w.pid !== pid)), `another worker in slot ${slot}`, ms);
	}

	// One client, wherever it gets; .where is { slot, pid }, .from the name of its worker as a sender.
	async connect(options = {}, nsp = "") {
		const socket = io(`http://127.0.0.1:${this.sioinit.port}${nsp}`, { transports: ["websocket"], forceNew: true, reconnection: false, ...options });
		this.clients.push(socket);
		socket.lost = null;
		socket.on("disconnect", (why) => (socket.lost ??= why));
		socket.ask = (event, ...args) => within(socket.emitWithAck(event, ...args), `${event} of ${socket.from ?? "a worker"}`, 20000);
		await within(new Promise((resolve, reject) => {
			socket.once("connect", resolve);
			socket.once("connect_error", reject);
		}), "a connection", 5000);
		socket.where = await socket.ask("where");
		socket.from = `${socket.where.slot}.${socket.where.pid}`;
		socket.record = new Record(`a client of worker ${socket.from}`);
		socket.on("say", (from, n, payload) => socket.record.heard(from, n, payload.length));
		return socket;
	}
	// One client at the worker of @slot; those that got elsewhere are kept until then, so that the balance moves on.
	async at(slot, options, nsp) {
		const others = [];
		try {
			for (let i = 0; i < 20 * this.n; i++) {
				const c = await this.connect(options, nsp);
				if (c.where.slot === slot) return c;
				others.push(c);
			}
		} finally {
			others.forEach((c) => this.forget(c));
		}
		throw new Error(`no client got to worker ${slot}\n${this.log}`);
	}
	// One client at each worker.
	async everywhere(options, nsp) {
		const found = [];
		for (let slot = 0; slot < this.n; slot++) found.push(await this.at(slot, options, nsp));
		return found;
	}
	forget(c) {
		c.close();
		this.clients = this.clients.filter((x) => x !== c);
	}

	signal(pid, name) {
		process.kill(pid, name);
		if (name === "SIGSTOP") this.stopped.add(pid);
		else this.stopped.delete(pid);
	}

	// /readyz again and again, until asked what it answered.
	async pollReadiness() {
		const polls = (this.polls = { bad: [], going: true });
		while (polls.going) {
			const began = performance.now();
			const status = await within(get(this.sioinit.admin, "/readyz", { host: "127.0.0.1" }), "/readyz", 5000).then((r) => r.status, (err) => err.message);
			if (status !== 200) polls.bad.push(`${status} after ${Math.round(performance.now() - began)} ms`);
			await sleep(50);
		}
	}
	readinessFaults() {
		this.polls.going = false;
		return this.polls.bad;
	}

	// Whatever happened: what is stopped goes on, and sioinit ends cleanly within its stop timeout.
	async end() {
		if (this.polls) this.polls.going = false;
		this.stall.end();
		for (const pid of this.stopped) {
			try {
				process.kill(pid, "SIGCONT");
			} catch {
				// replaced meanwhile
			}
		}
		this.clients.forEach((c) => c.close());
		return this.sioinit.stop();
	}
}

// Runs use() with a cluster of @n workers and ends that; what sioinit had logged stands with what failed.
async function withCluster(n, env, use, command = ["cluster.js"]) {
	const sioinit = await start(command, {
		SIOINIT_WORKERS: String(n),
		SIOINIT_SERIALIZATION: "advanced",
		FRAMES: env.SIOINIT_SERIALIZATION ?? "advanced", // workers are not told
		SIOINIT_DRAIN_TIME: "0.2",
		SIOINIT_STOP_TIMEOUT: "8",
		ASAN_OPTIONS: [process.env.ASAN_OPTIONS, frees].filter(Boolean).join(":"),
		...env,
	});
	const s = new Cluster(sioinit, n);
	let failed;
	try {
		await s.settled();
		await use(s);
	} catch (err) {
		failed = err;
		failed.message += `\n--- sioinit's log\n${s.log.split("\n").slice(-60).join("\n")}--- workers\n${s.out.slice(-2000)}`;
	}
	const code = await s.end();
	if (failed) throw failed;
	assert.strictEqual(code, 0, `the end of sioinit\n${s.log}`);
}

// Everybody's voices, heard by everybody: for broadcasts that go on while something is done to a neighbour.
class Voices {
	// @listeners write down what workers of @speakers say; bytes every ms each.
	constructor(s, speakers, listeners, bytes, every) {
		Object.assign(this, { s, speakers, listeners, bytes, every, bound: 1000 });
	}
	async begin() {
		for (const c of this.speakers) await c.ask("speak", this.bytes, this.every);
		await this.heard();
	}
	heard() {
		return until(async () => this.listeners.every((l) => this.speakers.every((c) => l.record.senders.has(c.from))), "everybody to hear everybody");
	}
	// One more that hears from now on.
	async join(listener) {
		this.listeners = [...this.listeners, listener];
		await this.heard();
	}
	pauses() {
		const found = [];
		for (const l of this.listeners) for (const c of this.speakers) found.push({ who: l.record.name, from: c.from, ms: l.record.pause(c.from) });
		return found.sort((a, b) => b.ms - a.ms);
	}
	// How long pauses are when nothing is wrong: what the bound is measured against.
	async calm(ms) {
		this.pauses();
		this.s.stall.take();
		await sleep(ms);
		this.baseline = this.pauses()[0].ms;
		this.s.stall.take();
	}
	assertNoPause(what) {
		const [worst] = this.pauses();
		const stall = this.s.stall.take();
		const bound = this.bound + this.baseline + stall;
		assert.ok(worst.ms <= bound, `${what}: ${worst.who} heard nothing of ${worst.from} for ${Math.round(worst.ms)} ms (bound ${Math.round(bound)}, before ${Math.round(this.baseline)})`);
	}
	assertWell() {
		for (const l of this.listeners) {
			assert.deepStrictEqual(l.record.faults.slice(0, 5), []);
			assert.strictEqual(l.lost, null, `${l.record.name} was disconnected`);
		}
	}
	// The speakers fall silent and everybody has heard their last word.
	async end() {
		for (const c of this.speakers) {
			const n = await c.ask("hush");
			await until(async () => this.listeners.every((l) => l.record.next(c.from) === n), `all ${n} messages of ${c.from}`, 20000).catch((err) => {
				throw new Error(`${err.message}: heard ${this.listeners.map((l) => `${l.record.name}: ${l.record.next(c.from)}`)}`);
			});
		}
		this.assertWell();
	}
}

// The worker answers within 500 ms what it has to ask all others for, more than before anything was wrong at most.
async function assertFetches(c, { n, baseline = 0, nsp } = {}) {
	const [count, ms] = await c.ask("count", nsp);
	assert.ok(typeof count === "number", `fetchSockets() of worker ${c.from}: ${count} after ${ms} ms`);
	if (n !== undefined) assert.strictEqual(count, n, `sockets found by worker ${c.from}`);
	assert.ok(ms <= 500 + baseline, `fetchSockets() of worker ${c.from} took ${ms} ms (before: ${baseline})`);
	return ms;
}

const temporary = () => fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-cluster-"));

module.exports = { withCluster, Cluster, Voices, Record, assertFetches, within, until, sleep, temporary, MB };
