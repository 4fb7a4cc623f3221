// What the router refuses or rewrites is in the log, once for each kind, with the setting that decides it.
const test = require("node:test");
const assert = require("node:assert");
const { start, get, until } = require("./harness");
const { wire } = require("./wire");

async function using(env, body) {
	const s = await start(["http.js"], { SIOINIT_WORKERS: "1", ...env });
	try {
		await body(s);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

const once = async (s, re) => {
	await until(async () => re.test(s.log), String(re));
	assert.strictEqual(s.log.match(new RegExp(re, "g")).length, 1);
};
const ask = (s, rest, line = "GET /length HTTP/1.1") => wire({ port: s.port, host: "127.0.0.1" }).send(`${line}\r\nHost: x\r\n${rest}\r\n`);
const raw = (bytes) => `GET /raw?${Buffer.from(bytes).toString("hex")} HTTP/1.1`;

test("heads that say too much, come too slowly, or have lost their upgrade", { timeout: 60000 }, () =>
	using({ SIOINIT_HEADER_TIMEOUT: "0.5", SIOINIT_BODY_TIMEOUT: "0.5" }, async (s) => {
		for (let i = 0; i < 3; i++) {
			assert.strictEqual((await ask(s, "X-Forwarded-Proto: https\r\n").response()).status, 200);
			assert.strictEqual((await ask(s, `A: ${"x".repeat(20000)}\r\n`).response()).status, 431);
			assert.strictEqual((await ask(s, "Connection: Upgrade\r\nUpgrade: h2c\r\n").response()).status, 200);
			assert.strictEqual((await ask(s, "", "GET /?EIO=4&transport=websocket HTTP/1.1").response()).status, 200);
		}
		assert.strictEqual((await ask(s, "A: b", "GET / HTTP/1.1").response()).status, 408);
		await ask(s, "Content-Length: 9\r\n", "POST /echo HTTP/1.1").end();
		await once(s, /127\.0\.0\.1 sends are left out; if it is a proxy of yours, name it in SIOINIT_TRUSTED_PROXIES/);
		await once(s, /request head from 127\.0\.0\.1 is larger than SIOINIT_MAX_HEAD_BYTES/);
		await once(s, /upgrade that is no WebSocket's/);
		await once(s, /WebSocket request from 127\.0\.0\.1 came without its upgrade/);
		await once(s, /SIOINIT_HEADER_TIMEOUT: refused with 408/);
		await once(s, /SIOINIT_BODY_TIMEOUT/);
	}));

test("too many of something", { timeout: 60000 }, () =>
	using({ SIOINIT_MAX_CONNECTIONS: "3", SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "2", SIOINIT_HANDSHAKE_RATE: "1" }, async (s) => {
		// 503 may be for those who were refused before and have not left yet
		const asked = (status, localAddress, path = "/length") => until(async () => {
			const w = wire({ port: s.port, host: "127.0.0.1", localAddress }).send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
			const got = (await w.response()).status;
			if (got !== 200) w.close();
			assert.strictEqual(got, status);
			return w;
		}, `a ${status}`);
		const held = [await asked(200, "127.0.0.2", "/?EIO=4"), await asked(200, "127.0.0.2")];
		for (let i = 0; i < 2; i++) await asked(503, "127.0.0.3", "/?EIO=4");
		await until(async () => {
			await asked(503, "127.0.0.3", "/?EIO=4");
			return /a new session of 127\.0\.0\.3/.test(s.log);
		}, "the rate");
		await once(s, /a new session of 127\.0\.0\.3 is refused with 503: .*SIOINIT_HANDSHAKE_RATE/);
		for (let i = 0; i < 2; i++) await asked(429, "127.0.0.2");
		await once(s, /127\.0\.0\.2 has as many connections as SIOINIT_MAX_CONNECTIONS_PER_ADDRESS/);
		held.push(await asked(200, "127.0.0.3"));
		for (let i = 0; i < 2; i++) await asked(503, "127.0.0.4");
		await once(s, /127\.0\.0\.[234] is refused with 503: .*SIOINIT_MAX_CONNECTIONS,/);
		held.forEach((w) => w.close());
	}));

test("answers of a worker that cannot be passed on", { timeout: 60000 }, () =>
	using({}, async (s) => {
		for (let i = 0; i < 2; i++) {
			assert.strictEqual((await ask(s, "", raw("nonsense\r\n\r\n")).response()).status, 502);
			const fields = Array.from({ length: 129 }, (_, k) => `X-${k}: y\r\n`).join("");
			assert.strictEqual((await ask(s, "", raw(`HTTP/1.1 200 OK\r\n${fields}\r\n`)).response()).status, 502);
		}
		await once(s, /worker\[0\] gives an answer that is no HTTP/);
		await once(s, /worker\[0\] answers with a head of more than 64 KiB or 128 fields/);
	}));
