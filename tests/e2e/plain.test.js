// The life of a plain app under sioinit: boot, proxying, upgrades, deaths, settings, the end.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const { start, run, get, until, freePort, routerOf } = require("./harness");

const slotOf = async (port) => JSON.parse((await get(port, "/")).body);

function raw(port, bytes) {
	return new Promise((resolve, reject) => {
		const s = net.connect(port, "127.0.0.1");
		let got = "";
		s.on("data", (d) => (got += d));
		s.on("end", () => resolve(got));
		s.on("error", reject);
		s.write(bytes);
	});
}

function upgraded(port) {
	return new Promise((resolve, reject) => {
		const s = net.connect(port, "127.0.0.1");
		s.on("error", reject);
		s.write("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
		s.once("data", (d) => (String(d).startsWith("HTTP/1.1 101") ? resolve(s) : reject(new Error(String(d)))));
	});
}

const echo = (s, text) =>
	new Promise((resolve) => {
		s.once("data", (d) => resolve(String(d)));
		s.write(text);
	});


test("serves on every worker, streams bodies, keeps connections", async () => {
	const s = await start(["plain.js"], { SIOINIT_WORKERS: "2" });
	try {
		assert.strictEqual((await run(["health", "--ready"], { SIOINIT_ADMIN: String(s.admin) })).code, 0);
		const states = fs.readFileSync(`/proc/${s.pid}/task/${s.pid}/children`, "utf8").trim().split(" ").map((c) => fs.readFileSync(`/proc/${c}/stat`, "utf8").replace(/.*\) (.).*/s, "$1"));
		assert.ok(!states.includes("Z"), "no zombie is left from booting");
		const slots = new Set();
		for (let i = 0; i < 8; i++) slots.add((await slotOf(s.port)).slot);
		assert.deepStrictEqual([...slots].sort(), ["0", "1"]);
		assert.match((await slotOf(s.port)).peer, /127\.0\.0\.1$/);
		const body = Buffer.alloc(3 << 20, "x");
		const r = await get(s.port, "/", { method: "POST", body });
		assert.ok(r.body.equals(body));
		const chunked = await get(s.port, "/", { method: "POST", body: "abc", headers: { "Transfer-Encoding": "chunked" } });
		assert.strictEqual(String(chunked.body), "abc");
		const two = await raw(s.port, "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
		assert.strictEqual(two.match(/HTTP\/1.1 200/g).length, 2);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("refuses what is no request, and nobody else notices", async () => {
	const s = await start(["plain.js"], { SIOINIT_WORKERS: "1", SIOINIT_HEADER_TIMEOUT: "0.5" });
	try {
		assert.match(await raw(s.port, "\x16\x03\x01garbage\r\n\r\n"), /^HTTP\/1.1 400/);
		assert.match(await raw(s.port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(40000)}\r\n\r\n`), /^HTTP\/1.1 431/);
		assert.match(await raw(s.port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), /^HTTP\/1.1 400/);
		assert.match(await raw(s.port, "GET / HTTP/1.1\r\nHo"), /^HTTP\/1.1 408/);
		assert.strictEqual((await slotOf(s.port)).slot, "0");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("upgrades outlive the router; a dead worker is replaced", async () => {
	const s = await start(["plain.js"], { SIOINIT_WORKERS: "2", SIOINIT_ROUTERS: "1" });
	try {
		for (let i = 0; i < 20; i++) (await upgraded(s.port)).destroy(); // both workers are known to take them
		const ws = await upgraded(s.port);
		assert.strictEqual(await echo(ws, "one"), "one");
		process.kill(routerOf(s.pid), "SIGKILL");
		assert.strictEqual(await echo(ws, "two"), "two");
		const before = await until(() => slotOf(s.port), "the next router");
		ws.destroy();
		process.kill(before.pid, "SIGKILL");
		await until(async () => {
			const now = await slotOf(s.port);
			return now.slot === before.slot && now.pid !== before.pid;
		}, "a new worker");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("says what is wrong, with the right code", async () => {
	const cases = [
		[["missing.js"], {}, 127, /missing.js/],
		[["no-such-program"], {}, 127, /no-such-program/],
		[["plain.js"], { SIOINIT_WORKERS: "abc" }, 78, /SIOINIT_WORKERS/],
		[["plain.js"], { SIOINIT_PROT: "1" }, 78, /SIOINIT_PORT/],
		[[], {}, 78, /nothing to run/],
		[["check"], {}, 0, /SIOINIT_PORT=8080/],
		[["--version"], {}, 0, /^sioinit \d/],
		[["health"], { SIOINIT_ADMIN: "off" }, 1, /SIOINIT_ADMIN/],
	];
	for (const [args, env, code, text] of cases) {
		const r = await run(args, env);
		assert.strictEqual(r.code, code, r.out);
		assert.match(r.out, text);
	}
	const port = await freePort();
	const holder = net.createServer().listen(port);
	const r = await run(["plain.js"], { SIOINIT_PORT: String(port), SIOINIT_ADMIN: "off" });
	holder.close();
	assert.strictEqual(r.code, 78);
	assert.match(r.out, new RegExp(`port ${port}`));
});

test("gives up with the worker's own code when it never gets ready", async () => {
	const r = await run(["--", "node", "-e", "process.exit(42)"], { SIOINIT_PORT: String(await freePort()), SIOINIT_ADMIN: "off", SIOINIT_WORKERS: "1" });
	assert.strictEqual(r.code, 42, r.out);
});

test("nobody is left when it ends, whatever has left its process group", async () => {
	const s = await start(["escape.js"], { SIOINIT_WORKERS: "1" });
	const pid = Number((await get(s.port, "/")).body);
	assert.ok(fs.existsSync(`/proc/${pid}`));
	assert.strictEqual(await s.stop(), 0);
	assert.ok(!fs.existsSync(`/proc/${pid}`));
});
