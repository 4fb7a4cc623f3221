// Does to the workers of a real Socket.IO app, in an order that a seed gives, all that may happen to them, and watches every
// client meanwhile. Prints the seed, each action, and each rule that was violated; then the exit code is 1.
// node torture.js [--seconds N] [--seed S] [--serialization advanced|json]
const fs = require("fs");
const path = require("path");
const { withCluster, Record, within, until, sleep, temporary, MB } = require("../e2e/cluster");
const { get, run } = require("../e2e/harness");
const { schedule } = require("./schedule");
const { Oracle } = require("./oracle");

const WORKERS = 4;
const SEATS = 16;
const RELAY_MEMORY = 48 * MB;
const GROWTH = RELAY_MEMORY + 32 * MB;
const RELAY_TIMEOUT_MS = 10000;
const STOP_TIMEOUT_MS = 8000;
const REPLACED_MS = 5000;

function options(words) {
	const found = { seconds: "60", seed: String(Math.floor(Math.random() * 1e9)), serialization: "advanced" };
	for (let i = 0; i < words.length; i += 2) {
		const name = words[i].replace(/^--/, "");
		if (!(name in found) || words[i + 1] === undefined) throw new Error("usage: torture [--seconds N] [--seed S] [--serialization advanced|json]");
		found[name] = words[i + 1];
	}
	return { seconds: Number(found.seconds), seed: Number(found.seed), serialization: found.serialization };
}

// A client that comes back whenever it has lost its worker; it hears with a new record then.
class Seat {
	constructor(s, oracle, number) {
		Object.assign(this, { s, oracle, number, isOn: false, ending: false, record: new Record("-") });
		this.name = `client ${number}`;
		this.transports = number % 4 === 3 ? ["polling"] : ["websocket"];
	}
	async run() {
		while (!this.ending) {
			const began = performance.now();
			while (!this.ending && !(await this.open())) {
				if (performance.now() - began > 20000) {
					this.oracle.fault("new clients", `${this.name} was not let in for 20 s: ${this.why}`);
					break;
				}
				await sleep(100);
			}
			if (this.isOn) await this.left;
			this.oracle.order(this);
		}
	}
	async open() {
		const { io } = this.s;
		const c = io(`http://127.0.0.1:${this.s.sioinit.port}`, { transports: this.transports, forceNew: true, reconnection: false, timeout: 15000 });
		const record = new Record("");
		this.left = new Promise((resolve) => c.once("disconnect", (why) => resolve((this.isOn = false), this.gone(why))));
		c.on("say", (from, n, payload) => record.heard(from, n, payload.length));
		const here = await within(new Promise((resolve, reject) => {
			c.once("here", resolve);
			c.once("disconnect", (why) => reject(new Error(why)));
			c.once("connect_error", reject);
		}), "a connection", 16000).catch((err) => void (this.why = err.message));
		if (!here || !c.connected) {
			c.close();
			return false;
		}
		Object.assign(this, { socket: c, record, pid: here.pid, slot: here.slot, since: performance.now(), isOn: true });
		record.name = `${here.slot}.${here.pid}`;
		return true;
	}
	gone(why) {
		if (!this.ending && this.pid) this.oracle.lost(this, why);
	}
	ask(event, ...args) {
		return within(this.socket.emitWithAck(event, ...args), event, 20000);
	}
	close() {
		this.ending = true;
		this.socket?.close();
	}
}

class Torture {
	constructor(s, oracle, seats, files) {
		Object.assign(this, { s, oracle, seats, files, followed: [] });
		this.began = performance.now();
	}
	say(text) {
		console.log(`${((performance.now() - this.began) / 1000).toFixed(1).padStart(6)} s  ${text}`);
	}
	async pids() {
		return (await this.s.workers()).filter((w) => w.pid).map((w) => w.pid);
	}
	// Somebody at that worker who can tell it to.
	seatAt(pid) {
		return this.seats.find((x) => x.isOn && x.pid === pid);
	}
	// What is still to come of an action.
	follow(promise) {
		this.followed.push(promise.catch((err) => this.oracle.fault("torture", err.stack)));
	}
	later(ms, what) {
		this.follow(sleep(ms).then(what));
	}
	// A worker that is to end. It may be stopping already when it becomes too slow.
	endsWithin(w, ms, why) {
		this.follow(until(async () => this.oracle.hasEnded(w.pid), why, ms + STOP_TIMEOUT_MS + REPLACED_MS).catch(() => this.oracle.fault("bounds", `worker ${w.slot}, pid ${w.pid}, ${why} and is not replaced`)));
	}
	slowBoots(ms) {
		fs.writeFileSync(this.files.boot, String(ms));
		this.later(1500, () => fs.rmSync(this.files.boot, { force: true }));
	}
	cli(...words) {
		return run(words, { SIOINIT_ADMIN_SOCKET: this.files.admin });
	}

	// to one worker
	stop(w, { ms }) {
		this.oracle.sicken(w.pid, ms + 1000);
		if (performance.now() < this.flooding) this.oracle.doom(w.pid, "slow in a flood");
		this.s.signal(w.pid, "SIGSTOP");
		this.later(ms, () => this.oracle.hasEnded(w.pid) || this.s.signal(w.pid, "SIGCONT"));
	}
	"stop for good"(w) {
		this.oracle.doom(w.pid, "stopped for good");
		this.s.signal(w.pid, "SIGSTOP");
		this.endsWithin(w, RELAY_TIMEOUT_MS, "is stopped");
	}
	kill(w) {
		this.oracle.doom(w.pid, "killed");
		this.s.signal(w.pid, "SIGKILL");
	}
	"kill, slow boot"(w, { ms }) {
		this.slowBoots(ms);
		this.kill(w);
	}
	// False: it cannot be told. Whoever comes new to where nobody is gets to the worker with the fewest.
	async tell(w, why, event, ...args) {
		const seat = this.seatAt(w.pid) ?? { socket: await this.visit(w) };
		if (!seat.socket) {
			this.say("  nobody is there to tell it");
			return false;
		}
		if (why) this.oracle.doom(w.pid, why);
		seat.socket.emit(event, ...args);
		return true;
	}
	async visit(w) {
		for (let i = 0; i < WORKERS; i++) {
			const c = await this.s.connect().catch(() => undefined);
			if (c) this.later(3000, () => this.s.forget(c));
			if (c?.where.pid === w.pid) return c;
		}
		return undefined;
	}
	exit(w) {
		return this.tell(w, "exit", "exit", 1);
	}
	"die within a frame"(w, { bytes }) {
		return this.tell(w, "died within a frame", "die within a frame", bytes);
	}
	"last words"(w, { n }) {
		return this.tell(w, "said goodbye", "bye", n);
	}
	block(w, { ms }) {
		this.oracle.sicken(w.pid, ms + 1000);
		if (performance.now() < this.flooding) this.oracle.doom(w.pid, "slow in a flood");
		return this.tell(w, null, "block", ms, () => {});
	}
	burst(w, { n, bytes }) {
		this.oracle.pausesMatterNot(500);
		return this.tell(w, null, "burst", n, bytes, () => {});
	}
	garbage(w) {
		const body = this.files.mode === "json" ? Buffer.from('{"source":"_sio_adapter","type":3,"data":[1,2\n') : Buffer.from("0000000aff0f6f22047479706549", "hex").fill(0x7a, 6);
		return this.tell(w, null, "frames", [body.toString("base64")], () => {});
	}
	async "flood of questions"(w) {
		if (await this.tell(w, "floods", "flood", "ask", 10000)) this.endsWithin(w, 10000, "never reads");
	}
	// others are busy reading it meanwhile; and whoever reads slowly then may be the one that leaves
	async "flood of broadcasts"(w) {
		this.flooding = performance.now() + 10000;
		for (const [pid, end] of this.oracle.ill) if (end > performance.now()) this.oracle.doom(pid, "slow in a flood");
		this.oracle.pausesMatterNot(10000);
		if (await this.tell(w, "floods", "flood", "broadcast", 20000)) this.endsWithin(w, 20000, "floods the others");
	}

	// to all
	async reload() {
		for (const pid of await this.pids()) this.oracle.doom(pid, "reload");
		process.kill(this.s.pid, "SIGHUP");
	}
	async scale({ n }) {
		for (const w of await this.s.workers()) if (w.pid && w.slot >= n) this.oracle.doom(w.pid, "scaled down");
		await this.scaleTo(n);
		this.later(4000, async () => {
			for (const w of await this.s.workers()) if (w.pid && w.slot >= WORKERS) this.oracle.doom(w.pid, "scaled down");
			await this.scaleTo(WORKERS);
		});
	}
	async scaleTo(n) {
		const { code, out } = await this.cli("scale", String(n));
		if (code !== 0) this.oracle.fault("command line", `scale ${n}: ${out}`);
	}

	async perform({ at, name, ...fields }) {
		await sleep(Math.max(0, this.began + at - performance.now()));
		this.say(`${name} ${Object.entries(fields).map(([k, v]) => `${k}=${v}`).join(" ")}`);
		if (fields.slot === undefined) return this[name](fields);
		const w = (await this.s.workers()).find((x) => x.slot === fields.slot);
		if (!w?.pid || this.oracle.hasEnded(w.pid) || this.oracle.doomed.has(w.pid)) return this.say("  it is not there");
		return this[name](w, fields);
	}
}

// Until told to end: every look at what must be true at any time.
async function watch(t, looks) {
	const { s, oracle, seats } = t;
	const readiness = s.pollReadiness();
	const listening = (async () => {
		while (looks.going) {
			await sleep(100);
			oracle.tick();
			seats.forEach((x) => oracle.order(x));
			oracle.listen(seats);
		}
	})();
	const fetching = (async () => {
		for (let i = 0; looks.going; i++) {
			await sleep(300);
			const seat = seats[i % seats.length];
			const wasCalm = oracle.isCalm();
			if (!seat.isOn || oracle.wellSince(seat.pid) === Infinity) continue;
			const { pid } = seat;
			const answer = await seat.ask("count").catch((err) => [err.message, Infinity]);
			if (seat.pid !== pid || oracle.doomed.has(pid)) continue;
			if (answer[1] > 8000) oracle.fault("fetchSockets()", `of worker ${seat.record.name}: ${answer}`);
			else if (wasCalm && oracle.isCalm() && (typeof answer[0] !== "number" || answer[1] > oracle.bound)) oracle.fault("fetchSockets()", `of worker ${seat.record.name}, nobody ill: ${answer[0]} after ${answer[1]} ms`);
		}
	})();
	await Promise.all([listening, fetching]);
	for (const bad of s.readinessFaults()) oracle.fault("/readyz", bad);
	await readiness;
}

// What the pauses are while nobody does anything.
async function calm(seats, ms) {
	seats.forEach((x) => [...x.record.senders.keys()].forEach((from) => x.record.pause(from)));
	await sleep(ms);
	return Math.max(...seats.flatMap((x) => [...x.record.senders.keys()].map((from) => x.record.pause(from))));
}

function zombiesOf(pid) {
	return fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((name) => {
		try {
			const [state, parent] = fs.readFileSync(`/proc/${name}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
			return state === "Z" && Number(parent) === pid;
		} catch {
			return false;
		}
	});
}

// Everything is as it was, and what was said was heard by all.
async function settle(t) {
	const { s, oracle, seats } = t;
	s.n = WORKERS;
	await s.settled("all workers ready again", 60000).catch((err) => oracle.fault("recovery", `${err.message}: ${JSON.stringify(t.s.lines(/worker/).slice(-10))}`));
	await until(async () => seats.every((x) => x.isOn), "all clients in", 30000).catch(() => oracle.fault("recovery", `${seats.filter((x) => !x.isOn).map((x) => `${x.name} (${x.why})`)} out`));
	const workers = await s.workers();
	const said = new Map();
	for (const w of workers) {
		const seat = t.seatAt(w.pid) ?? (await s.at(w.slot));
		const count = () => seat.ask("count").catch((err) => [err.message]);
		const present = () => seats.filter((x) => x.isOn).length + s.clients.length;
		await until(async () => (await count())[0] === present(), "all to be found", 10000).catch(async () => oracle.fault("fetchSockets()", `at the end, of worker ${w.slot}: ${await count()} of ${present()}`));
		said.set(`${w.slot}.${w.pid}`, await seat.ask("hush").catch((err) => err.message));
	}
	await oracle.agree(seats.filter((x) => x.isOn), said);
	seats.forEach((x) => oracle.order(x));
	for (const pid of zombiesOf(s.pid)) oracle.fault("zombies", `pid ${pid}`);
}

async function torture({ seconds, seed, serialization }) {
	const actions = schedule(seed, seconds, WORKERS);
	const folder = temporary();
	const files = { boot: path.join(folder, "boot"), admin: path.join(folder, "admin.sock"), mode: serialization };
	const faults = [];
	const env = {
		SIOINIT_SERIALIZATION: serialization,
		SIOINIT_RELAY_MEMORY: String(RELAY_MEMORY),
		SIOINIT_RELAY_TIMEOUT: String(RELAY_TIMEOUT_MS / 1000),
		SIOINIT_STOP_TIMEOUT: String(STOP_TIMEOUT_MS / 1000),
		SIOINIT_MIN_UPTIME: "0",
		SIOINIT_ADMIN_SOCKET: files.admin,
		SLOW_BOOT: files.boot,
		SPEAK: "5000,100",
	};
	let pids = [];
	await withCluster(WORKERS, env, async (s) => {
		const oracle = new Oracle(Infinity);
		const seats = Array.from({ length: SEATS }, (_, i) => new Seat(s, oracle, i));
		const t = new Torture(s, oracle, seats, files);
		const looks = { going: true };
		seats.forEach((x) => x.run());
		try {
			await until(async () => seats.every((x) => x.isOn && x.record.senders.size === WORKERS), "all clients in");
			const baseline = await calm(seats, 3000);
			oracle.bound = 1500 + 2 * baseline;
			console.log(`seed ${seed}, ${seconds} s, ${actions.length} actions, ${serialization}; longest pause before: ${Math.round(baseline)} ms, bound ${Math.round(oracle.bound)} ms`);
			const began = s.peakBegins();
			t.began = performance.now();
			const watching = watch(t, looks);
			for (const action of actions) await t.perform(action);
			await Promise.all(t.followed);
			await settle(t);
			looks.going = false;
			await watching;
			const growth = s.peak() - began;
			console.log(`init grew by ${(growth / MB).toFixed(1)} MiB at most; longest pause ${Math.round(oracle.worst)} ms; ${await s.metric("sioinit_relay_evictions_total")} evictions`);
			if (growth > GROWTH) oracle.fault("memory", `init grew by ${(growth / MB).toFixed(1)} MiB`);
			pids = await t.pids();
		} finally {
			looks.going = false;
			seats.forEach((x) => x.close());
			faults.push(...oracle.faults);
			if (faults.length) console.log(`--- sioinit's log\n${s.log}`);
		}
	}).catch((err) => faults.push(`end: ${err.message}`));
	for (const pid of pids) if (fs.existsSync(`/proc/${pid}`)) faults.push(`end: pid ${pid} is still there`);
	fs.rmSync(folder, { recursive: true });
	for (const f of faults) console.log(`violated: ${f}`);
	console.log(`${faults.length ? "FAILED" : "passed"}: seed ${seed} (script/torture --seconds ${seconds} --seed ${seed} --serialization ${serialization})`);
	return faults.length ? 1 : 0;
}

torture(options(process.argv.slice(2))).then((code) => process.exit(code));
