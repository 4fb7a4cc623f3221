// listen() and close() in any order, in any worker, with Node's own cluster as the oracle; and which server gets the public port.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const { start, who } = require("./listeners");
const { freePort, until, run, routerOf } = require("./harness");

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
		side.where = { port: { port: side.s.port }, other: { port: other }, loopback: { port: loopback, host: "127.0.0.1" }, path: { path: `${side.s.dir}/app.sock`, readableAll: n > 1, writableAll: n > 2 }, zero: { port: 0 } };
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

// The public port

async function withWorkers(n, env, fn) {
	const s = await start(n, env);
	try {
		await fn(s);
	} catch (err) {
		throw new Error(`${err.message}\n${s.log}`, { cause: err });
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

const answers = (where, wanted) => until(async () => wanted.test(await who({ host: "127.0.0.1", ...where })), `${JSON.stringify(where)} answers ${wanted}`);

// Nothing that listens elsewhere is ever seen there, though it is the first and waits for long enough.
test("the public port belongs to the server that asks for it, however late", { timeout: 60000 }, async () => {
	const [any, loopback] = [await freePort(), await freePort()];
	await withWorkers(2, {}, async (s) => {
		const seen = new Set();
		let open = true;
		const watcher = (async () => {
			while (open) seen.add((await who({ port: s.port, host: "127.0.0.1" })).split(" ")[0]);
		})();
		for (const slot of [0, 1]) {
			await s.call(slot, "open", "loopback", { port: loopback, host: "127.0.0.1" });
			await s.call(slot, "open", "path", { path: `${s.dir}/app.sock` });
			await s.call(slot, "open", "any", { port: any });
			await s.call(slot, "open", "zero", { port: 0 });
		}
		await answers({ port: loopback }, /^loopback/);
		await answers({ port: any }, /^any/);
		assert.match(await who({ socketPath: `${s.dir}/app.sock` }), /^path/);
		for (const slot of [0, 1]) await s.call(slot, "open", "app", { port: s.port });
		await answers({ port: s.port }, /^app/);
		open = false;
		await watcher;
		assert.deepStrictEqual([...seen].sort(), ["503", "app"]);
		await answers({ port: any }, /^any/);
	});
});

test("a server that takes no notice of PORT gets the public port, and in the next worker at once", { timeout: 60000 }, async () => {
	const [own, loopback] = [await freePort(), await freePort()];
	await withWorkers(1, {}, async (s) => {
		await s.call(0, "open", "loopback", { port: loopback, host: "127.0.0.1" });
		await s.call(0, "open", "own", { port: own });
		await answers({ port: s.port }, /^own 0/);
		await answers({ port: own }, /^own 0/);
		assert.ok(s.log.includes(`nothing listens at PORT=${s.port}, so that its server at port ${own} gets the clients of the public port`), s.log);
		const { pid } = s.workers.get(0);
		process.kill(pid, "SIGKILL");
		await until(() => s.workers.get(0).pid !== pid, "the next worker");
		const begin = Date.now();
		await s.call(0, "open", "own", { port: own });
		await answers({ port: s.port }, /^own 0/);
		assert.ok(Date.now() - begin < 1900, "known from before");
		await s.call(0, "open", "app", { port: s.port });
		await answers({ port: s.port }, /^app/);
		await answers({ port: own }, /^own/);
	});
});

test("loopback is never public", { timeout: 60000 }, async () => {
	const loopback = await freePort();
	await withWorkers(1, { SIOINIT_READY_TIMEOUT: "4", SIOINIT_MIN_UPTIME: "0" }, async (s) => {
		await s.call(0, "open", "loopback", { port: loopback, host: "127.0.0.1" });
		await answers({ port: loopback }, /^loopback 0/);
		await until(() => s.log.includes(`nothing listens at PORT=${s.port}, only at other ports, loopback or unix sockets`), "the cause");
		assert.strictEqual(await who({ port: s.port, host: "127.0.0.1" }), "503");
	});
});

for (const order of [["sticky", "other"], ["other", "sticky"]])
	test(`setupWorker() beside a server at another port: ${order}`, { timeout: 60000 }, async () => {
		const other = await freePort();
		await withWorkers(2, {}, async (s) => {
			for (const slot of [0, 1])
				for (const what of order) await (what === "sticky" ? s.call(slot, "sticky") : s.call(slot, "open", "other", { port: other }));
			await answers({ port: s.port }, /^sticky/);
			await answers({ port: other }, /^other/);
			for (let i = 0; i < 10; i++) assert.match(await who({ port: other, host: "127.0.0.1" }), /^other/);
			for (let i = 0; i < 10; i++) assert.match(await who({ port: s.port, host: "127.0.0.1" }), /^sticky/);
			await s.call(0, "open", "app", { port: s.port });
			await s.call(1, "open", "app", { port: s.port });
			await answers({ port: s.port }, /^app/);
			for (const slot of [0, 1]) await s.call(slot, "close", "app");
			await answers({ port: s.port }, /^sticky/);
		});
	});

// Closing

test("a server that is closed and opened again, over and over, keeps its worker", { timeout: 60000 }, async () => {
	await withWorkers(2, {}, async (s) => {
		const before = [0, 1].map((slot) => s.workers.get(slot).pid);
		for (const slot of [0, 1]) await s.call(slot, "open", "app", { port: s.port });
		for (let i = 0; i < 20; i++) for (const slot of [0, 1]) assert.ok(!(await s.call(slot, "reopen", "app", { port: s.port })).error);
		await answers({ port: s.port }, /^app/);
		await new Promise((resolve) => setTimeout(resolve, 3000)); // longer than a worker may be without
		assert.deepStrictEqual([0, 1].map((slot) => s.workers.get(slot).pid), before);
		assert.ok(!s.log.includes("draining"), s.log);
	});
});

test("a worker that has closed its server for good is replaced, and stopped when it opens another", { timeout: 60000 }, async () => {
	await withWorkers(1, { SIOINIT_DRAIN_TIME: "0.1" }, async (s) => {
		const first = s.workers.get(0);
		await s.call(0, "open", "app", { port: s.port });
		await answers({ port: s.port }, /^app/);
		await s.call(0, "close", "app");
		await answers({ port: s.port }, /^503/);
		await until(() => s.workers.get(0) !== first, "the next worker");
		await s.call(0, "open", "next", { port: s.port });
		await answers({ port: s.port }, /^next/);
		await first.call("open", "app", { port: s.port });
		await until(() => s.log.includes(`ended pid=${first.pid}`), "the end of the first");
		assert.match(await who({ port: s.port, host: "127.0.0.1" }), /^next/);
	});
});

test("a port that was free is free when it is closed", { timeout: 60000 }, async () => {
	await withWorkers(2, { SIOINIT_ROUTERS: "2" }, async (s) => {
		for (let i = 0; i < 10; i++) {
			const { port } = await s.call(i % 2, "open", "zero", { port: 0 });
			assert.match(await who({ port, host: "127.0.0.1" }), /^zero/);
			await s.call(i % 2, "close", "zero");
			await until(() => new Promise((resolve) => {
				const child = net.createServer().once("error", () => resolve(false));
				child.listen(port, () => child.close(() => resolve(true)));
			}), "the port");
		}
	});
});

test("a router that is new knows who listens where", { timeout: 60000 }, async () => {
	const [other, loopback] = [await freePort(), await freePort()];
	await withWorkers(2, {}, async (s) => {
		for (const slot of [0, 1]) await s.call(slot, "open", "app", { port: s.port });
		await s.call(1, "open", "other", { port: other });
		await s.call(0, "open", "loopback", { port: loopback, host: "127.0.0.1" });
		await answers({ port: s.port }, /^app/);
		process.kill(routerOf(s.pid), "SIGKILL");
		for (let i = 0; i < 8; i++) await answers({ port: other }, /^other 1/);
		for (let i = 0; i < 8; i++) assert.strictEqual(await who({ port: loopback, host: "127.0.0.1" }), "loopback 0");
		await s.call(1, "close", "other");
		await answers({ port: other }, /^ECONNREFUSED/);
	});
});

// What sioinit holds itself

const fails = async (command, env) => {
	const port = await freePort();
	const settings = { SIOINIT_WORKERS: "1", SIOINIT_ADMIN: "off", SIOINIT_PORT: port, SIOINIT_MIN_UPTIME: "0", ...env };
	return { port, ...(await run(command(port), settings)) };
};

test("a server that binds the public port past the cluster is told how it can", { timeout: 60000 }, async () => {
	const script = `require("net").createServer().listen({ port: process.env.PORT, exclusive: true })`;
	const { port, code, out } = await fails(() => ["--", "node", "-e", script], { SIOINIT_RESTART: "never" });
	assert.notStrictEqual(code, 0);
	assert.match(out, new RegExp(`if it says EADDRINUSE: sioinit listens at port ${port} itself, and .* needs SIOINIT_DISPATCH=port`));
	assert.strictEqual(out.split("SIOINIT_DISPATCH=port").length, 2, "said once");
});

test("a program whose arguments name the public port is told of {port}", { timeout: 60000 }, async () => {
	const script = `import socket, sys; s = socket.socket(); s.bind(("0.0.0.0", int(sys.argv[1].split(":")[1])))`;
	const { port, out } = await fails((p) => ["--", "python3", "-c", script, `0.0.0.0:${p}`], { SIOINIT_RESTART: "never" });
	assert.match(out, new RegExp(`its argument 0.0.0.0:${port} names port ${port}, where sioinit listens itself: write {port}`));
});

test("an app that wants the admin address is told", { timeout: 60000 }, async () => {
	const admin = await freePort();
	await withWorkers(1, { SIOINIT_ADMIN: admin }, async (w) => {
		assert.strictEqual((await w.call(0, "open", "metrics", { port: admin })).error, "EADDRINUSE");
		assert.ok(w.log.includes(`cannot listen at port ${admin}, which is sioinit's admin address: set SIOINIT_ADMIN`), w.log);
	});
});

test("a worker gets no more rights than it has", { skip: process.getuid() !== 0 && "for root", timeout: 60000 }, async () => {
	await withWorkers(1, { SIOINIT_USER: "65534", SIOINIT_GROUP: "65534" }, async (s) => {
		assert.strictEqual((await s.call(0, "open", "path", { path: `${s.dir}/app.sock` })).error, "EACCES");
		fs.chownSync(s.dir, 65534, 65534);
		assert.ok(!(await s.call(0, "open", "path", { path: `${s.dir}/app.sock` })).error);
		assert.strictEqual(fs.statSync(`${s.dir}/app.sock`).uid, 65534);
		const victim = fs.mkdtempSync("/tmp/sioinit-victim-");
		try {
			fs.writeFileSync(`${victim}/app.sock`, "precious");
			fs.renameSync(s.dir, `${s.dir}.old`);
			fs.symlinkSync(victim, s.dir);
			await s.call(0, "close", "path");
			await until(() => !fs.existsSync(`${s.dir}.old/app.sock`), "its own file is removed");
			assert.strictEqual(fs.readFileSync(`${victim}/app.sock`, "utf8"), "precious");
			fs.unlinkSync(s.dir);
			fs.renameSync(`${s.dir}.old`, s.dir);
		} finally {
			fs.rmSync(victim, { recursive: true });
		}
	});
});
