// The stop is the app's: what it tells its clients when it gets the stop signal reaches all of them, however they are connected. GOODBYE_RUNS=10 does each of it ten times.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { io } = require("socket.io-client");
const { start, run, get, until } = require("./harness");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "goodbye-"));
test.after(() => fs.rmSync(folder, { recursive: true }));

const RUNS = Number(process.env.GOODBYE_RUNS || 1);
const OF_EACH = 6;
const transports = { polling: ["polling"], websocket: ["websocket"], mixed: ["polling", "websocket"] };

function client(port, transport) {
	const c = { transport, heard: [], socket: io(`http://127.0.0.1:${port}`, { transports: transports[transport], forceNew: true, reconnection: false }) };
	for (const event of ["shutting_down", "last_words"]) c.socket.on(event, () => c.heard.push(event));
	c.socket.on("worker", (slot) => (c.slot = slot));
	c.socket.on("disconnect", () => (c.left = Date.now()));
	return c;
}

const isIn = (c) => c.slot !== undefined && (c.transport !== "mixed" || c.socket.io.engine.transport.name === "websocket");

async function crowd(port, names = Object.keys(transports)) {
	const all = names.flatMap((t) => Array.from({ length: OF_EACH }, () => client(port, t)));
	await until(() => all.every(isIn), "all are connected");
	return all;
}

async function serving(env, fn) {
	const s = await start(["goodbye.js"], { SIOINIT_WORKERS: "2", ...env });
	try {
		await fn(s);
	} finally {
		await s.stop();
	}
}

const deaf = (all) => all.filter((c) => c.heard.join() !== "shutting_down,last_words").map((c) => `${c.transport}: ${c.heard.join() || "nothing"}`);

async function hearsAtTheStop(env) {
	await serving(env, async (s) => {
		const all = await crowd(s.port);
		assert.strictEqual(await s.stop(), 0, s.log);
		await until(() => all.every((c) => c.left), "all are disconnected");
		assert.deepStrictEqual(deaf(all), [], s.log);
	});
}

const ways = {
	"listen()": {},
	"setupWorker(), two routers": { STICKY: "1", SIOINIT_ROUTERS: "2" },
	"a port of its own": { SIOINIT_DISPATCH: "port" },
	"drain-time 0": { SIOINIT_DRAIN_TIME: "0" },
	"stop-order=signal": { SIOINIT_STOP_ORDER: "signal" },
};
for (const [way, env] of Object.entries(ways))
	test(`${way}: all clients hear what the app says at SIGTERM`, { timeout: 60000 * RUNS }, async () => {
		for (let i = 0; i < RUNS; i++) await hearsAtTheStop(env);
	});

test("one worker is replaced: its clients hear it, the others stay", { timeout: 60000 * RUNS }, async () => {
	const socket = { SIOINIT_ADMIN_SOCKET: path.join(folder, "admin.sock") };
	for (let i = 0; i < RUNS; i++)
		await serving(socket, async (s) => {
			const all = await crowd(s.port);
			assert.strictEqual((await run(["restart", "0"], socket)).code, 0);
			const its = all.filter((c) => c.slot === "0");
			assert.ok(its.length > 0 && its.length < all.length);
			await until(() => its.every((c) => c.left), "its clients have left");
			assert.deepStrictEqual(deaf(its), [], s.log);
			assert.deepStrictEqual(all.filter((c) => c.slot !== "0" && (c.left || c.heard.length)), []);
			for (const c of all) c.socket.close();
		});
});

// The app is dead by then: sioinit holds the sockets.
for (const [way, env] of [["listen()", {}], ["a port of its own", { SIOINIT_DISPATCH: "port" }]])
	test(`an app without a handler, ${way}: requests are answered, sockets closed one after another`, { timeout: 60000 }, async () => {
		await serving({ NO_HANDLER: "1", SIOINIT_WORKERS: "1", SIOINIT_DRAIN_TIME: "3", ...env }, async (s) => {
			const all = (await Promise.all(Array.from({ length: 3 }, () => crowd(s.port, ["websocket"])))).flat();
			const late = get(s.port, "/");
			await until(() => s.out.includes("asked"), "the request is there");
			const ended = s.stop();
			assert.strictEqual((await late).body.toString(), "late");
			await until(() => all.every((c) => c.left), "all are closed");
			const times = all.map((c) => c.left).sort((a, b) => a - b);
			assert.ok(times.at(-1) - times[0] > 200, `closed within ${times.at(-1) - times[0]} ms`);
			assert.match(s.log, /the stop signal ends it at once/);
			assert.strictEqual(await ended, 0);
		});
	});

test("drain: the sockets are closed before the app hears of it", { timeout: 60000 }, async () => {
	await serving({ SIOINIT_STOP_ORDER: "drain" }, async (s) => {
		const all = await crowd(s.port, ["websocket"]);
		assert.strictEqual(await s.stop(), 0);
		await until(() => all.every((c) => c.left), "all are closed");
		assert.deepStrictEqual(all.filter((c) => c.heard.length), []);
	});
});

// Of its own, a poll ends after the 25 s of Engine.IO's ping.
for (const [way, env] of [["listen()", {}], ["a port of its own", { SIOINIT_DISPATCH: "port" }]])
	test(`a server that waits for its polls, ${way}: they end within drain-time`, { timeout: 60000 }, async () => {
		const s = await start(["waits-for-polls.js"], { SIOINIT_WORKERS: "1", SIOINIT_DRAIN_TIME: "1", ...env });
		const all = Array.from({ length: OF_EACH }, () => client(s.port, "polling"));
		await until(() => all.every((c) => c.socket.connected), "all are connected");
		const begin = Date.now();
		assert.strictEqual(await s.stop(), 0, s.log);
		assert.ok(Date.now() - begin < 15000, `${Date.now() - begin} ms`);
		await until(() => all.every((c) => c.left), "all are disconnected");
	});
