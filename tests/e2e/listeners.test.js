// listen() and close() in any order, in any worker, with Node's own cluster as the oracle; and which server gets the public port.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const { spawn } = require("child_process");
const { start, who } = require("./listeners");
const { freePort, until, run, get, start: startServing } = require("./harness");

const names = ["port", "other", "loopback", "path", "zero"];
const PERIOD_MS = 1500; // the public port may be closed for less than 2 s (REOPEN_MS)

// mulberry32: the same orders in each run.
function random(seed) {
	return () => {
		seed = (seed + 0x6d2b79f5) | 0;
		let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

// All orders in which three of the five are opened, one of them is closed or opened again, in one turn or two, and all are closed.
function* ordersOfOne() {
	let n = 0;
	for (const a of names)
		for (const b of names)
			for (const c of names) {
				if (a === b || b === c || a === c) continue;
				const again = [a, b, c][n++ % 3];
				const middle = n % 2 ? [["reopen", again]] : [["close", again], ["open", again]];
				const twice = a === "zero" ? [] : [["open", a]]; // port 0 is another port each time
				yield [["open", a], ["open", b], ["open", c], ...twice, ...middle, ["close", a], ["close", b], ["close", c]].map(([op, name]) => [0, op, name]);
			}
}

// The product is too large for more workers: a sample, the same each time. None is opened twice: Node before 22 then takes the
// next server of that worker for another one.
function* ordersOfMore(n, count) {
	const chance = random(n);
	const pick = (list) => list[Math.floor(chance() * list.length)];
	for (let i = 0; i < count; i++) {
		const open = Array.from({ length: n }, () => new Set());
		const order = [];
		for (let j = 0; j < 9; j++) {
			const slot = Math.floor(chance() * n);
			const name = pick(names);
			const op = !open[slot].has(name) ? "open" : pick(["close", "reopen"]);
			if (op === "close") open[slot].delete(name);
			else open[slot].add(name);
			order.push([slot, op, name]);
		}
		for (const [slot, set] of open.entries()) for (const name of set) order.push([slot, "close", name]);
		yield order;
	}
}

// The places of one side and what is open there, as seen from outside.
class Side {
	constructor(s, oracle) {
		Object.assign(this, { s, oracle, open: new Map() });
	}

	static async start(n, oracle) {
		const side = new Side(await start(n, {}, { oracle }), oracle);
		const [other, loopback] = [await freePort(), await freePort()];
		side.where = { port: { port: side.s.port }, other: { port: other }, loopback: { port: loopback, host: "127.0.0.1" }, path: { path: `${side.s.dir}/app.sock` }, zero: { port: 0 } };
		return side;
	}

	// The result with nothing in it that differs from start to start.
	async do([slot, op, name]) {
		const result = await this.s.call(slot, op, name, this.where[name]);
		const key = `${name} ${slot}`;
		if (op === "close" || op === "reopen") this.open.delete(key);
		if (op !== "close" && !result.error) this.open.set(key, name === "zero" ? result.port : this.where[name].port);
		const { port, ...rest } = result;
		return rest;
	}

	// Those who may answer there.
	at(name, port) {
		return [...this.open].filter(([key, p]) => key.startsWith(`${name} `) && (name !== "zero" || p === port)).map(([key]) => key);
	}

	// What has been said takes its way to who accepts, on both sides: right is what is so in the end.
	async check(name, where, expected, what) {
		const closed = name === "port" && !this.oracle ? /^503$/ : /^(ECONNREFUSED|ENOENT)$/;
		const end = Date.now() + 3000;
		let got;
		do got = await who(where);
		while (!(expected.length ? expected.includes(got) : closed.test(got)) && Date.now() < end);
		if (expected.length) assert.ok(expected.includes(got), `${what}: ${name} answers ${got}, not ${expected}`);
		else assert.match(got, closed, `${what}: ${name} is closed`);
	}

	async look(what) {
		const zeros = new Set([...this.open].filter(([key]) => key.startsWith("zero ")).map(([, port]) => port));
		for (const name of names)
			if (name === "path") await this.check(name, { socketPath: this.where.path.path }, this.at(name), what);
			else if (name !== "zero") await this.check(name, { port: this.where[name].port, host: "127.0.0.1" }, this.at(name), what);
		for (const port of zeros) await this.check("zero", { port, host: "127.0.0.1" }, this.at("zero", port), what);
		if (!this.at("path").length) await until(() => !fs.existsSync(this.where.path.path), `${what}: the socket's file is gone`);
	}

	// Which workers share a port that none has named.
	sharing() {
		const ports = [...this.open].filter(([key]) => key.startsWith("zero "));
		return ports.map(([key, port]) => [key, ports.findIndex(([, p]) => p === port)]);
	}
}

// As long as the public port is closed for less than the time that sioinit gives: true. Else there is nothing to be seen.
async function follow(ours, theirs, n, order) {
	const text = order.map(([slot, op, name]) => `${slot} ${op} ${name}`);
	const begin = Date.now();
	for (let slot = 0; slot < n; slot++) await ours.do([slot, "close", "anchor"]);
	for (const [i, step] of order.entries()) {
		const what = text.slice(0, i + 1).join(", ");
		const [a, b] = [await ours.do(step), await theirs.do(step)];
		if (Date.now() - begin > PERIOD_MS) return false;
		assert.deepStrictEqual(a, b, what);
		assert.deepStrictEqual(ours.sharing(), theirs.sharing(), what);
		await theirs.look(`${what} (node)`);
		await ours.look(what);
	}
	for (let slot = 0; slot < n; slot++) await ours.do([slot, "open", "anchor"]);
	return Date.now() - begin < PERIOD_MS;
}

// Between two orders every worker has a server at the public port, called anchor, so that it stays.
async function withBoth(n, fn) {
	const theirs = await Side.start(n, true);
	try {
		const ours = await Side.start(n, false);
		ours.where.anchor = ours.where.port;
		try {
			for (let slot = 0; slot < n; slot++) await ours.do([slot, "open", "anchor"]);
			await until(async () => /^anchor/.test(await who({ port: ours.s.port })), "the first answer");
			return await fn(ours, theirs);
		} catch (err) {
			throw new Error(`${err.message}\n${ours.s.log.slice(-3000)}`, { cause: err });
		} finally {
			assert.strictEqual(await ours.s.stop(), 0);
		}
	} finally {
		await theirs.s.stop();
	}
}

// A machine that is too slow for an order gets a new start, and the order again.
async function all(n, orders) {
	let left = [...orders], tries = 0;
	while (left.length) {
		await withBoth(n, async (ours, theirs) => {
			while (left.length && (await follow(ours, theirs, n, left[0]))) left.shift();
		});
		if (left.length) assert.ok(++tries < 10, "too slow a machine");
	}
}

test("orders of open, close and reopen in one worker", { timeout: 120000 }, () => all(1, ordersOfOne()));
test("orders of open, close and reopen in two workers", { timeout: 120000 }, () => all(2, ordersOfMore(2, 100)));
test("orders of open, close and reopen in three workers", { timeout: 120000 }, () => all(3, ordersOfMore(3, 100)));
