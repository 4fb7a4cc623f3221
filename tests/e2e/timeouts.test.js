// How long anything may last: nothing that a client or a worker leaves unsaid keeps a connection for ever.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const path = require("path");
const { execFileSync } = require("child_process");
const { start, get, until, works, routerOf } = require("./harness");
const { wire } = require("./wire");

const upgrade = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
const plain = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

async function using(env, body, app = "silent.js") {
	const s = await start([app], { SIOINIT_ROUTERS: "1", SIOINIT_WORKERS: "1", ...(app === "silent.js" && { SIOINIT_DISPATCH: "port" }), ...env });
	const router = routerOf(s.pid);
	s.descriptors = () => fs.readdirSync(`/proc/${router}/fd`).length;
	try {
		await body(s, router);
		assert.strictEqual(routerOf(s.pid), router, "the router is the same");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

// The time until the router ends the connection, in ms
async function ends(w) {
	const begin = Date.now();
	await w.end();
	w.close();
	return Date.now() - begin;
}

const lasts = (took, ms) => assert.ok(took > ms - 200 && took < ms + 5000, `${took} ms, not ${ms}`);

async function tunnel(s, path) {
	const w = wire(s.port).send(upgrade(path));
	await w.take(/^HTTP\/1\.1 101 [^]*?\r\n\r\n/);
	return w;
}

test("a silent tunnel ends, one in which anything is said does not", { timeout: 60000 }, () =>
	using({ SIOINIT_TUNNEL_TIMEOUT: "1", SIOINIT_BODY_TIMEOUT: "30" }, async (s) => {
		const before = s.descriptors();
		const talks = await tunnel(s, "/tunnel");
		const silent = tunnel(s, "/tunnel").then(ends);
		for (let i = 0; i < 8; i++) {
			await new Promise((next) => setTimeout(next, 300));
			await talks.send("hello").take(/^hello/);
		}
		lasts(await silent, 1000);
		lasts(await ends(talks), 1000);
		await until(async () => s.descriptors() <= before, "all are let go", 3000);
	}));

test("an answer that does not go on ends", { timeout: 60000 }, () =>
	using({ SIOINIT_TUNNEL_TIMEOUT: "1", SIOINIT_BODY_TIMEOUT: "30" }, async (s) => {
		const w = wire(s.port).send(plain("/part"));
		await w.take(/part/);
		lasts(await ends(w), 1000);
	}));

test("a tunnel of which one side has ended is not waited for as long as a whole one", { timeout: 60000 }, () =>
	using({ SIOINIT_TUNNEL_TIMEOUT: "60", SIOINIT_BODY_TIMEOUT: "1" }, async (s) => {
		const before = s.descriptors();
		const both = await tunnel(s, "/tunnel");
		const byClient = await tunnel(s, "/tunnel");
		byClient.socket.end();
		const vanished = await tunnel(s, "/last"); // hears the end, and never answers it
		await vanished.end();
		assert.ok(s.descriptors() > before + 3, "what still could be said is waited for");
		lasts(await ends(byClient), 1000);
		await until(async () => s.descriptors() <= before + 2, "the half-closed ones are let go", 5000);
		await both.send("hello").take(/^hello/);
		for (const w of [both, vanished]) w.close();
	}));

for (const reads of [true, false])
	test(`a client that takes nothing is let go when its time is over, ${reads ? "and" : "even if"} its worker has gone`, { timeout: 60000 }, () =>
		using({ SIOINIT_TUNNEL_TIMEOUT: "60", SIOINIT_BODY_TIMEOUT: "2" }, async (s) => {
			const before = s.descriptors();
			const clients = Array.from({ length: 20 }, () => {
				const w = wire(s.port).send(upgrade("/flood"));
				w.socket.pause();
				return w;
			});
			await until(async () => s.out.split("gone\n").length - 1 === clients.length, "the worker's ends");
			if (reads) clients[0].socket.resume();
			await until(async () => s.descriptors() <= before + 2, "all are let go", 15000); // tunnels' pipe stays
			clients.forEach((w) => w.close());
		}));

test("connections to a worker that nobody needs any more are few, and end", { timeout: 60000 }, () =>
	using({}, async (s) => {
		const before = s.descriptors();
		const answers = await Promise.all(Array.from({ length: 300 }, async () => {
			const w = wire(s.port).send(plain("/late").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
			const { status } = await w.response();
			w.close();
			return status;
		}));
		assert.deepStrictEqual([...new Set(answers)], [200]);
		await until(async () => s.descriptors() <= before + 256, "no more than 256 are kept", 3000);
		await until(async () => s.descriptors() <= before, "they end", 10000);
	}));

test("no answer is 504, but polls of a session wait as long as they like", { timeout: 60000 }, () =>
	using({ SIOINIT_RESPONSE_TIMEOUT: "1" }, async (s) => {
		const begin = Date.now();
		const poll = wire(s.port).send(plain("/socket.io/?EIO=4&transport=polling&sid=abc"));
		const w = wire(s.port).send(plain("/never"));
		assert.strictEqual((await w.response()).status, 504);
		lasts(Date.now() - begin, 1000);
		assert.strictEqual((await poll.response()).body, "ok");
		assert.ok(Date.now() - begin > 1800, "it took longer than that");
		for (const c of [w, poll]) c.close();
	}));

test("chunks for a client of HTTP/1.0 end with its connection", { timeout: 60000 }, () =>
	using({}, async (s) => {
		const w = wire(s.port).send("GET /chunks HTTP/1.0\r\nHost: x\r\n\r\n");
		assert.match(await w.end(), /\r\n\r\nhello$/);
		w.close();
	}));

const python = process.getuid() === 0 && works("python3", "-c", "import os; os.close(os.pidfd_open(os.getpid()))");

test("a client that has vanished is noticed by the kernel, at the router and after it was handed over", { skip: !python && "needs root and Python 3.9", timeout: 60000 }, () =>
	using({ KIND: "raw", SIOINIT_UPSTREAM: "tcp" }, async (s, router) => {
		const options = (pid) => execFileSync("python3", [path.join(__dirname, "fixtures/socket_options.py"), pid, s.port], { encoding: "utf8" }).trim().split("\n");
		const { pid } = JSON.parse((await get(s.port, "/")).body);
		const taught = await tunnel(s, "/ws"), handed = await tunnel(s, "/ws");
		const wanted = ["1 60 120000"];
		assert.deepStrictEqual([...new Set(options(router))], wanted, "of those at the router");
		assert.deepStrictEqual(options(pid), wanted, "of the one handed over");
		for (const w of [taught, handed]) w.close();
	}, "upgrades.js"));
