// What any Socket.IO client expects of its server, whatever its version and transport.
const assert = require("node:assert");
const { wire } = require("./wire");

const transports = [["polling"], ["polling", "websocket"], ["websocket"]];
const MESSAGES = 10;
const big = Buffer.alloc(1e6, "big");

const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

// A test that fails must fail, not hang: what it has started is ended only then.
function within(promise, what, ms = 15000) {
	let timer;
	const late = new Promise((resolve, reject) => (timer = setTimeout(() => reject(new Error(`timeout: ${what}`)), ms)));
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const call = (socket, ...args) => within(new Promise((resolve) => socket.emit(...args, resolve)), args[0]);

async function connected(socket) {
	const upgrades = socket.io.opts.transports.length > 1;
	const upgraded = new Promise((resolve) => socket.io.on("open", () => (upgrades ? socket.io.engine.on("upgrade", resolve) : resolve())));
	await once(socket, "connect");
	await upgraded;
}

// n clients, every transport in turn, their upgrades done. io is the socket.io-client of any version.
async function connect(io, port, n, options = {}) {
	const errors = [];
	const sockets = Array.from({ length: n }, (_, i) => io(`http://127.0.0.1:${port}`, { transports: transports[i % 3], forceNew: true, ...options }));
	try {
		sockets.forEach((s, i) => s.on("connect_error", (err) => errors.push(`client ${i}: ${err.message || err} ${err.description?.message || err.description || ""}`)));
		await within(Promise.all(sockets.map(connected)), "connect").catch((err) => errors.push(err.message));
		assert.deepStrictEqual(errors, []);
	} catch (err) {
		sockets.forEach((s) => s.close());
		throw err;
	}
	return sockets;
}

// Every router has seen every worker take a WebSocket: from then on they are handed over. Each from an address of its own.
async function taught(port, host = `127.0.0.1:${port}`) {
	for (let i = 1; i <= 200; i++) {
		const w = wire({ port, localAddress: `127.0.1.${i}` });
		w.send(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
		await w.take(/^HTTP\/1\.1 101 /);
		w.close();
	}
}

// The arguments of the next n events.
const collect = (socket, event, n) => within(new Promise((resolve) => {
	const got = [];
	const add = (...args) => {
		if (got.push(args) < n) return;
		socket.off(event, add);
		resolve(got);
	};
	socket.on(event, add);
}), event);

async function broadcasts(sockets) {
	const payload = (i) => (i === MESSAGES - 1 ? big : Buffer.from([0, 255, i]));
	const all = Promise.all(sockets.map((s) => collect(s, "all", MESSAGES)));
	for (let i = 0; i < MESSAGES; i++) sockets[0].emit("all", i, { nested: payload(i) }, "ü");
	for (const [n, got] of (await all).entries()) {
		assert.deepStrictEqual(got.map(([i]) => i), Array.from({ length: MESSAGES }, (_, i) => i));
		for (const [i, { nested }, text] of got) {
			assert.ok(Buffer.isBuffer(nested), `client ${n}, message ${i}: no Buffer but ${JSON.stringify(nested).slice(0, 60)}`);
			assert.ok(nested.equals(payload(i)));
			assert.strictEqual(text, "ü");
		}
	}
}

// What comes after a room's message on the same way tells that nobody else got it.
async function rooms(sockets) {
	const members = sockets.filter((_, i) => i % 2);
	await Promise.all(members.map((s) => call(s, "join", "odd")));
	const got = sockets.map(() => []);
	sockets.forEach((s, i) => s.on("to", (...args) => got[i].push(args)));
	const end = Promise.all(sockets.map((s) => collect(s, "all", 1)));
	sockets[0].emit("to", "odd", "hello");
	sockets[0].emit("all", "end");
	await end;
	assert.deepStrictEqual(got, sockets.map((_, i) => (i % 2 ? [["odd", "hello"]] : [])));
}

async function acks(sockets, across) {
	sockets.forEach((s, i) => s.on("ask", (done) => done(i)));
	if (across) assert.deepStrictEqual((await call(sockets[0], "ask")).sort(), sockets.map((_, i) => i));
	await Promise.all(sockets.map(async (s, i) => {
		assert.strictEqual(await call(s, "echo", `${i}`), `${i}`);
		assert.ok(big.equals(await call(s, "echo", big)));
		assert.strictEqual((await call(s, "echo", "x".repeat(1e6))).length, 1e6);
	}));
}

// across: there is an adapter, so that a broadcast reaches the clients of the other workers, too.
async function exercise(io, port, { across = true, n = 6 } = {}) {
	let sockets = [];
	try {
		sockets = await connect(io, port, n);
		const pids = await Promise.all(sockets.map((s) => call(s, "pid")));
		assert.strictEqual(new Set(pids).size, 2, "both workers serve");
		const reached = across ? sockets : sockets.filter((_, i) => pids[i] === pids[0]);
		await broadcasts(reached);
		await rooms(reached);
		await acks(sockets, across);
	} finally {
		sockets.forEach((s) => s.close());
	}
}

module.exports = { exercise, connect, call, collect, taught, within };
