// What clients notice when connections to workers go stale, and workers die or stop.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const { start, get, until, freePort } = require("./harness");
const { wire } = require("./wire");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
test.after(() => fs.rmSync(folder, { recursive: true }));

const post = (path) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody`;

for (const [name, env] of [["that says so", {}], ["that does not say so", { NO_HINT: "1" }]])
	test(`a server with a tiny keepAliveTimeout ${name} costs no request`, { timeout: 60000 }, async () => {
		const s = await start(["http.js"], { SIOINIT_WORKERS: "1", KEEP_ALIVE_MS: "2", ...env });
		try {
			const bad = [];
			await Promise.all(Array.from({ length: 8 }, async (_, lane) => {
				const w = wire(s.port);
				for (let i = 0; i < 400; i++) {
					const r = await w.send(i % 4 ? post("/echo") : "GET /length HTTP/1.1\r\nHost: x\r\n\r\n").response();
					if (r.status !== 200) bad.push(r.head);
					// around the moment at which the server closes
					if ((i + lane) % 5 === 0) await new Promise((next) => setTimeout(next, i % 4));
				}
				w.close();
			}));
			assert.deepStrictEqual(bad, []);
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	});

test("a worker dies before its answer: a GET is asked once elsewhere, a POST is 502", { timeout: 60000 }, async () => {
	const s = await start(["http.js"], { SIOINIT_WORKERS: "2", SIOINIT_MIN_UPTIME: "0" });
	const ready = (n) => until(async () => s.log.match(/booting -> ready/g).length === n, `${n} starts`);
	try {
		assert.strictEqual((await get(s.port, `/last?${folder}/get`)).status, 200);
		await ready(3);
		assert.strictEqual((await get(s.port, `/last?${folder}/post`, { method: "POST", body: "once" })).status, 502);
		await ready(4);
		const unknown = wire(s.port).send("GET /fatal HTTP/1.1\r\nHost: x\r\n\r\n");
		assert.strictEqual((await unknown.response()).status, 502);
		await ready(6);
		assert.strictEqual((await get(s.port, "/length")).status, 200);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("a hanging worker: what was sent to it is served elsewhere once it is given up", { timeout: 60000 }, async () => {
	const s = await start(["http.js"], { SIOINIT_WORKERS: "2", SIOINIT_PING_INTERVAL: "0.2", SIOINIT_LAG_WARN: "0.5", SIOINIT_HANG_TIMEOUT: "1" });
	try {
		const slots = await Promise.all(Array.from({ length: 8 }, async () => JSON.parse((await get(s.port, "/who")).body).slot));
		assert.strictEqual(new Set(slots).size, 2, "connections to both of them are open");
		const hung = JSON.parse((await get(s.port, "/hang")).body).pid;
		const gets = Array.from({ length: 4 }, () => get(s.port, "/who"));
		const posts = Array.from({ length: 4 }, () => get(s.port, "/who", { method: "POST", body: "once" }));
		const answers = await Promise.all([...gets, ...posts]);
		assert.deepStrictEqual(answers.map((r) => r.status), Array(8).fill(200), "it has read none of them, so POSTs are safe, too");
		assert.ok(answers.every((r) => JSON.parse(r.body).pid !== hung));
		assert.doesNotMatch(String((await get(s.admin, "/metrics")).body), /^sioinit_retries_total 0$/m, "some were sent to it first");
		await until(async () => s.log.match(/booting -> ready/g).length === 3, "another worker");
		assert.strictEqual((await get(s.port, "/who")).status, 200);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("the last answer of a worker that ends is heard, by a slow reader, too", { timeout: 60000 }, async () => {
	const s = await start(["http.js"], { SIOINIT_WORKERS: "1", SIOINIT_MIN_UPTIME: "0" });
	const isKnown = async () => (await get(s.admin, "/readyz")).status === 200; // to the router, too
	try {
		for (let i = 1; i <= 3; i++) {
			assert.strictEqual((await get(s.port, "/farewell?5", { method: "POST", body: "once" })).body.length, 5);
			await until(async () => s.log.match(/booting -> ready/g).length === 1 + i && isKnown(), "the next worker");
		}
		const size = 1 << 20;
		const w = await wire({ port: s.port }).send(`GET /farewell?${size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
		w.socket.pause();
		await until(async () => s.log.match(/booting -> ready/g).length === 5, "the next worker");
		w.socket.resume();
		assert.strictEqual((await w.response()).body.length, size);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

for (const [order, status] of [["auto", 200], ["drain", 503]]) test(`a request that is half there when the stop begins is answered, ${order}`, { timeout: 60000 }, async () => {
	const s = await start(["http.js"], { SIOINIT_WORKERS: "1", SIOINIT_STOP_ORDER: order });
	const held = wire(s.port).send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"), half = wire(s.port);
	try {
		await new Promise((sent) => half.socket.write("GET /length HTTP/1.1\r\n", sent));
		await until(async () => String((await get(s.port, "/held")).body) === "1", "one that keeps the router");
		process.kill(s.pid, "SIGTERM");
		await until(async () => (await get(s.admin, "/readyz")).status === 503, "the stop to begin");
		assert.strictEqual((await half.send("Host: x\r\n\r\n").response()).status, status);
	} finally {
		held.close();
		half.close();
		assert.strictEqual(await s.ended, 0);
	}
});

test("who comes when the drain has begun is refused, not kept waiting", { timeout: 60000 }, async () => {
	const second = await freePort();
	const socket = path.join(folder, "public.sock");
	const s = await start(["http.js"], { SIOINIT_WORKERS: "1", SIOINIT_DRAIN_TIME: "20", SIOINIT_STOP_ORDER: "drain", SIOINIT_LISTEN: `${second},${socket}` });
	const held = wire(s.port).send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	const refused = (where) => until(() => new Promise((resolve) => {
		const c = net.connect(where, () => c.destroy()).on("error", (err) => resolve(["ECONNREFUSED", "ENOENT"].includes(err.code))).on("close", () => resolve(false));
	}), `a refusal at ${JSON.stringify(where)}`, 5000);
	try {
		await until(async () => String((await get(s.port, "/held")).body) === "1", "one that keeps the worker");
		process.kill(s.pid, "SIGTERM");
		for (const where of [{ port: s.port, host: "127.0.0.1" }, { port: second, host: "127.0.0.1" }, { path: socket }]) await refused(where);
		assert.strictEqual((await get(s.admin, "/livez")).status, 200);
	} finally {
		held.close();
		assert.strictEqual(await s.ended, 0);
	}
});
