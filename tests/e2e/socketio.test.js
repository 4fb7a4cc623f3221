// Real Socket.IO workers and clients: every transport, broadcasts across workers, a worker and the router killed.
const test = require("node:test");
const assert = require("node:assert");
const { io } = require("socket.io-client");
const { start, get, until, routerOf } = require("./harness");

const transports = [["polling"], ["polling", "websocket"], ["websocket"]];

async function connect(port, n) {
	const sockets = Array.from({ length: n }, (_, i) => io(`http://127.0.0.1:${port}`, { transports: transports[i % 3], forceNew: true }));
	const errors = [];
	await Promise.all(sockets.map((s) => new Promise((resolve) => {
		s.on("connect_error", (err) => errors.push(err.message));
		s.on("connect", resolve);
	})));
	assert.deepStrictEqual(errors, []);
	return sockets;
}

const collect = (socket, n) => new Promise((resolve) => {
	const got = [];
	socket.on("all", (i, bytes) => got.push([i, bytes.length]) === n && resolve(got));
});

test("broadcasts reach every client once, in order, binary intact; membership heals at once", { timeout: 60000 }, async () => {
	const s = await start(["sticky.js"], { SIOINIT_WORKERS: "2" });
	let sockets = [];
	try {
		sockets = await connect(s.port, 12);
		const all = Promise.all(sockets.map((c) => collect(c, 20)));
		for (let i = 0; i < 20; i++) sockets[0].emit("all", i, Buffer.alloc(i === 19 ? 1e6 : 10, 7));
		for (const got of await all) {
			assert.deepStrictEqual(got.map(([i]) => i), Array.from({ length: 20 }, (_, i) => i));
			assert.deepStrictEqual(got.map(([, n]) => n), [...Array(19).fill(10), 1e6]);
		}
		const pids = await Promise.all(sockets.map((c) => c.timeout(5000).emitWithAck("pid")));
		assert.strictEqual(new Set(pids).size, 2);
		const alive = sockets[pids.findIndex((p) => p !== pids[1])];
		process.kill(pids[1], "SIGKILL");
		await new Promise((resolve) => sockets[1].once("disconnect", resolve));
		const before = Date.now();
		await alive.timeout(5000).emitWithAck("count");
		assert.ok(Date.now() - before < 4000, "the adapter gives those who do not answer 5 s");
	} finally {
		sockets.forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
});

test("200 polling sessions over shared connections: not one 400, evenly spread", { timeout: 60000 }, async () => {
	const http = require("http");
	const s = await start(["sticky.js"], { SIOINIT_WORKERS: "2" });
	const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
	const url = "/socket.io/?EIO=4&transport=polling";
	try {
		const sids = await Promise.all(Array.from({ length: 200 }, async () => {
			const r = await get(s.port, url, { agent });
			assert.strictEqual(r.status, 200);
			return JSON.parse(String(r.body).slice(1)).sid;
		}));
		const posts = await Promise.all(sids.map((sid) => get(s.port, `${url}&sid=${sid}`, { agent, method: "POST", body: "40", headers: { "Content-Length": 2 } })));
		assert.ok(posts.every((r) => r.status === 200));
		process.kill(routerOf(s.pid), "SIGKILL");
		await until(() => get(s.port, url).then((r) => r.status === 200), "the next router");
		const polls = await Promise.all(sids.map((sid) => get(s.port, `${url}&sid=${sid}`)));
		assert.deepStrictEqual([...new Set(polls.map((r) => r.status))], [200]);
	} finally {
		agent.destroy();
		assert.strictEqual(await s.stop(), 0);
	}
});

test("an unknown session is the app's to refuse", { timeout: 30000 }, async () => {
	const s = await start(["sticky.js"], { SIOINIT_WORKERS: "1" });
	try {
		const r = await get(s.port, "/socket.io/?EIO=4&transport=polling&sid=nobody");
		assert.strictEqual(r.status, 400);
		assert.strictEqual(JSON.parse(r.body).code, 1);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});
