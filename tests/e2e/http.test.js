// HTTP/1.1 on the wire, as a client of nginx or HAProxy knows it: raw sockets on one side, a real server on the other.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const { start, get, until, routerOf } = require("./harness");
const { frees, growth } = require("./backpressure");
const { wire } = require("./wire");

let s;
const open = () => wire(s.port);
const ask = async (path) => String((await get(s.port, path)).body);
const held = (n) => until(async () => Number(await ask("/held")) === n, `${n} held requests`);

async function exchange(bytes, method) {
	const w = open().send(bytes);
	try {
		return await w.response(method);
	} finally {
		w.close();
	}
}
const echoed = async (bytes) => JSON.parse((await exchange(bytes)).body);

test.before(async () => (s = await start(["http.js"], { SIOINIT_WORKERS: "1", SIOINIT_UPSTREAM: "tcp", SIOINIT_BODY_TIMEOUT: "30", SIOINIT_HEADER_TIMEOUT: "2", ...frees })));
test.after(async () => assert.strictEqual(await s.stop(), 0));

test("many requests on one connection, one after the other and all at once", async () => {
	const w = open();
	for (let i = 0; i < 3; i++) {
		const r = await w.send(`GET /echo?${i} HTTP/1.1\r\nHost: x\r\n\r\n`).response();
		assert.strictEqual(JSON.parse(r.body).url, `/echo?${i}`);
		assert.strictEqual(r.fields.connection, undefined);
	}
	w.send(Array.from({ length: 20 }, (_, i) => `POST /echo?${i} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n${10 + i}`).join(""));
	for (let i = 0; i < 20; i++) assert.deepStrictEqual((({ url, body }) => ({ url, body }))(JSON.parse((await w.response()).body)), { url: `/echo?${i}`, body: String(10 + i) });
	w.send("GET /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert.strictEqual((await w.response()).fields.connection, "close");
	assert.strictEqual(await w.end(), "");
});

test("chunked bodies both ways, with extensions and trailers, in any pieces", async () => {
	const w = open().send("POST /pipe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (const piece of ["3\r\nab", "c\r\n1", "0;x=y\r\n0123456789abcdef\r", "\n0\r\n", "\r\n"]) await new Promise((sent) => w.socket.write(piece, sent));
	assert.strictEqual((await w.response()).body, "abc0123456789abcdef");
	const sent = await w.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n").response();
	assert.deepStrictEqual(JSON.parse(sent.body).trailers, { "x-sum": "7" });
	const r = await w.send("GET /trailers HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n\r\n").response();
	assert.deepStrictEqual([r.body, r.trailers, r.fields.trailer], ["body", "X-Sum: 42\r\n", "X-Sum"]);
	assert.strictEqual((await w.send("GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n").response()).body, "onetwothree");
	w.close();
});

test("Expect: 100-continue: the body is asked for, then taken", async () => {
	const w = open().send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
	assert.strictEqual((await w.response()).status, 100);
	assert.strictEqual(JSON.parse((await w.send("body").response()).body).body, "body");
	assert.strictEqual((await w.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").response()).status, 100);
	w.close();
	const old = await exchange("POST /echo HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody");
	assert.strictEqual(old.status, 200, "no interim answer for HTTP/1.0");
});

test("interim answers pass", async () => {
	const w = open().send("GET /hints HTTP/1.1\r\nHost: x\r\n\r\n");
	const first = await w.response();
	assert.strictEqual(first.status, 103);
	assert.match(first.head, /link: <\/a\.css>/i);
	assert.strictEqual((await w.response()).body, "hinted");
	w.close();
});

test("answers without a body do not stop the connection", async () => {
	const w = open();
	for (const [line, method, status, length] of [["HEAD /length", "HEAD", 200, "5"], ["HEAD /chunks", "HEAD", 200], ["GET /status?204", "GET", 204], ["GET /status?304", "GET", 304]]) {
		const r = await w.send(`${line} HTTP/1.1\r\nHost: x\r\n\r\n`).response(method);
		assert.deepStrictEqual([r.status, r.fields["content-length"]], [status, length], line);
	}
	assert.strictEqual((await w.send("GET /length HTTP/1.1\r\nHost: x\r\n\r\n").response()).body, "hello");
	w.close();
});

test("HTTP/1.0, with and without keep-alive", async () => {
	const once = open().send("GET /length HTTP/1.0\r\n\r\n");
	const r = await once.response();
	assert.deepStrictEqual([r.body, r.fields.connection, await once.end()], ["hello", "close", ""]);
	const kept = open();
	for (let i = 0; i < 2; i++) {
		const again = await kept.send("GET /length HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").response();
		assert.deepStrictEqual([again.body, again.fields.connection], ["hello", "keep-alive"]);
	}
	const unmeasured = await kept.send("GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").response();
	assert.deepStrictEqual([unmeasured.body, unmeasured.fields["transfer-encoding"]], ["onetwothree", undefined]);
	assert.ok(kept.ended);
});

const raw = (bytes) => `/raw?${Buffer.from(bytes, "latin1").toString("hex")}`;
const chunked = (bytes) => raw(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n${bytes}`);

test("a client of HTTP/1.0 gets what chunks carry, and the end of the connection after it", async () => {
	for (const fields of ["", "Connection: keep-alive\r\n"]) {
		const w = open().send(`GET ${chunked("5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n")} HTTP/1.0\r\n${fields}\r\n`);
		const r = await w.response();
		assert.deepStrictEqual([r.status, r.body, w.ended], [200, "hello world", true]);
		assert.deepStrictEqual(r.fields, { connection: "close" });
		const head = await open().send(`HEAD ${chunked("")} HTTP/1.0\r\n${fields}\r\n`).response("HEAD");
		assert.deepStrictEqual([head.status, head.fields["transfer-encoding"]], [200, undefined]);
	}
	const whole = await exchange(`GET ${chunked("5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")} HTTP/1.1\r\nHost: x\r\n\r\n`);
	assert.deepStrictEqual([whole.fields["transfer-encoding"], whole.fields.trailer, whole.trailers], ["chunked", "X-T", "X-T: 1\r\n"]);
});

test("the version of an answer is ours, its reason the worker's", async () => {
	const first = async (bytes, version) => (await exchange(`GET ${raw(bytes)} HTTP/${version}\r\nHost: x\r\n\r\n`)).head.split("\r\n")[0];
	for (const version of ["1.0", "1.1"]) {
		assert.strictEqual(await first("HTTP/1.0 299 So  be it\r\nContent-Length: 0\r\n\r\n", version), "HTTP/1.1 299 So  be it");
		assert.strictEqual(await first("HTTP/1.0 299\r\nContent-Length: 0\r\n\r\n", version), "HTTP/1.1 299 ");
	}
});

test("who is refused after a HEAD is told why; CONNECT is told what is allowed", { timeout: 60000 }, async () => {
	const half = open();
	await half.send("HEAD /length HTTP/1.1\r\nHost: x\r\n\r\n").response("HEAD");
	const late = await half.send("GET /len").response();
	assert.deepStrictEqual([late.status, late.body], [408, '{"code":408,"message":"request timeout"}']);
	const bad = open();
	await bad.send("HEAD /length HTTP/1.1\r\nHost: x\r\n\r\n").response("HEAD");
	assert.strictEqual((await bad.send("GET  / HTTP/1.1\r\n\r\n").response()).body, '{"code":400,"message":"bad request"}');
	const tunnel = await exchange("CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n");
	assert.deepStrictEqual([tunnel.status, tunnel.fields.allow], [405, ""]);
	assert.deepStrictEqual([tunnel.fields["content-type"], tunnel.body], ["text/plain", "405 method not allowed\n"]);
});

test("the admin address: HEAD tells the length and sends nothing, other methods are told which are allowed", async () => {
	for (const path of ["/livez", "/metrics", "/status", "/elsewhere"]) {
		const w = wire(s.admin).send(`HEAD ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
		const r = await w.response("HEAD");
		assert.ok(Number(r.fields["content-length"]) > 0, path);
		assert.strictEqual(await w.end(), "", path);
	}
	const r = await wire(s.admin).send("POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").response();
	assert.deepStrictEqual([r.status, r.fields.allow, r.body], [405, "GET, HEAD", "method not allowed\n"]);
});

test("an answer that ends with the connection", async () => {
	const w = open().send("GET /bare HTTP/1.1\r\nHost: x\r\n\r\n");
	const r = await w.response();
	assert.deepStrictEqual([r.body, r.fields.connection], ["until the end", "close"]);
});

test("hop-by-hop fields stay on their hop, both ways", async () => {
	const seen = await echoed("GET /echo HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, X-Hop, , x-other\r\nX-Hop: 1\r\nx-Other: 2\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\nTE: trailers\r\nUpgrade: h2c\r\nX-End: 3\r\n\r\n");
	for (const name of ["x-hop", "x-other", "keep-alive", "proxy-connection", "te", "upgrade"]) assert.strictEqual(seen.headers[name], undefined, name);
	assert.strictEqual(seen.headers["x-end"], "3");
	const r = await exchange("GET /hop HTTP/1.1\r\nHost: x\r\n\r\n");
	assert.deepStrictEqual([r.fields["x-hop"], r.fields["proxy-connection"], r.fields["x-end"]], [undefined, undefined, "2"]);
});

test("Connection cannot name what the message needs", async () => {
	const seen = await echoed("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: Host, Content-Length, X-Forwarded-For\r\nContent-Length: 4\r\n\r\nbody");
	assert.deepStrictEqual([seen.headers.host, seen.body, seen.headers["x-forwarded-for"]], ["x", "body", "127.0.0.1"]);
});

test("a target in absolute form becomes a path, and its authority the Host", async () => {
	const seen = await echoed("GET http://example.org:81/echo?q=1 HTTP/1.1\r\nHost: example.org:81\r\n\r\n");
	assert.deepStrictEqual([seen.url, seen.headers.host], ["/echo?q=1", "example.org:81"]);
	assert.strictEqual((await echoed("GET http://example.org?q=1 HTTP/1.1\r\nHost: example.org\r\n\r\n")).url, "/?q=1");
	assert.strictEqual((await exchange("GET http://example.org/ HTTP/1.1\r\nHost: other\r\n\r\n")).status, 400);
	assert.strictEqual((await echoed("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")).url, "*");
});

test("an upgrade that is no WebSocket is an ordinary request", async () => {
	const w = open();
	for (const line of ["GET /echo?1", "GET /echo?2"]) {
		const r = await w.send(`${line} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`).response();
		assert.strictEqual(r.status, 200);
		const { headers } = JSON.parse(r.body);
		assert.deepStrictEqual([headers.upgrade, headers["http2-settings"], headers["x-forwarded-for"]], [undefined, undefined, "127.0.0.1"]);
	}
	w.close();
	const body = await echoed("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nbody");
	assert.deepStrictEqual([body.body, body.headers.upgrade], ["body", undefined]);
	assert.strictEqual((await exchange("CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n")).status, 405);
});

test("server-sent events arrive when they are sent, and the app learns that the reader has left", async () => {
	const w = open().send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	await w.take(/data: hello\n\n/);
	await ask("/release");
	await w.take(/data: more\n\n/);
	w.close();
	const gone = open().send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	await held(1);
	const before = JSON.parse(await ask("/seen")).aborted;
	gone.close();
	await until(async () => JSON.parse(await ask("/seen")).aborted === before + 1, "the app learns");
	await ask("/release");
});

test("a long download to a slow reader: all of it, and the router does not store it", { timeout: 60000 }, async () => {
	const size = 64 << 20;
	const w = open();
	let got = 0;
	const grown = await growth(routerOf(s.pid), async () => {
		await w.send(`GET /big?${size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`).take(/^HTTP\/1.1 200/);
		w.socket.removeAllListeners("data").pause();
		for (let i = 0; i < 20; i++) await ask("/length");
		w.socket.on("data", (d) => (got += d.length)).resume();
		await w.end();
	});
	assert.ok(got + w.got.length > size, `${got}`);
	assert.ok(grown < size / 20, `grew by ${grown}`);
});

test("uploads to a slow worker: the router does not store them, and none of it is lost", { timeout: 60000 }, async () => {
	const read = JSON.parse(await ask("/seen")).bytes;
	const size = 5 << 20, piece = Buffer.alloc(65536, "u");
	const measured = open(), endless = open();
	let sent = 0;
	const grown = await growth(routerOf(s.pid), async () => {
		measured.send(`POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
		for (let i = 0; i < size / piece.length; i++) measured.socket.write(piece);
		endless.send("POST /hold HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
		while (endless.socket.write(Buffer.concat([Buffer.from("10000\r\n"), piece, Buffer.from("\r\n")])) || endless.socket.writableLength < 8 << 20) sent += piece.length;
		await held(2);
		for (let i = 0; i < 20; i++) await ask("/length");
	});
	assert.ok(grown < (size + sent) / 5, `grew by ${grown} for ${size + sent}`);
	await ask("/release");
	assert.strictEqual((await measured.response()).body, "released");
	endless.send("0\r\n\r\n");
	assert.strictEqual((await endless.response()).body, "released");
	assert.ok(JSON.parse(await ask("/seen")).bytes - read >= size + sent);
	measured.close();
	endless.close();
});

test("an answer that comes before the whole request", async () => {
	const w = open().send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n");
	for (let i = 0; i < 20; i++) w.socket.write(Buffer.alloc(65536));
	const r = await w.response();
	assert.deepStrictEqual([r.status, r.body, r.fields.connection], [413, "too much", "close"]);
	w.close();
});

test("a client that has nothing more to say still gets its answers", async () => {
	const w = open();
	w.socket.end("GET /length HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
	assert.strictEqual((await w.response()).body, "hello");
	assert.strictEqual(JSON.parse((await w.response()).body).body, "body");
	await w.end();
});

test("whether half a connection is enough for a slow answer is the app's choice, as without us", async () => {
	const own = await start(["http.js"], { SIOINIT_WORKERS: "1", HALF_OPEN: "1" });
	try {
		const w = wire(own.port);
		w.socket.end("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
		await until(async () => String((await get(own.port, "/held")).body) === "1", "the request");
		await get(own.port, "/release");
		assert.strictEqual((await w.response()).body, "released");
	} finally {
		assert.strictEqual(await own.stop(), 0);
	}
});

test("a reader that stops reading, and a sender that stops sending, are let go", { timeout: 60000 }, async () => {
	const own = await start(["http.js"], { SIOINIT_WORKERS: "1", SIOINIT_BODY_TIMEOUT: "0.5" });
	try {
		const reader = wire(own.port);
		reader.socket.pause();
		reader.send("GET /big?100000000 HTTP/1.1\r\nHost: x\r\n\r\n");
		const sender = wire(own.port).send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfive");
		const r = await sender.response();
		assert.deepStrictEqual([r.status, r.fields.connection], [408, "close"]);
		const patient = wire(own.port).send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
		await until(async () => String((await get(own.port, "/held")).body) === "1", "the request");
		await until(async () => !fs.readFileSync("/proc/net/tcp", "utf8").split("\n").some((l) => l.includes(`:${reader.socket.localPort.toString(16).toUpperCase().padStart(4, "0")} `) && l.split(/\s+/)[2].endsWith(own.port.toString(16).toUpperCase().padStart(4, "0")) && l.split(/\s+/)[4] === "01"), "the end of the reader's connection");
		await get(own.port, "/release");
		assert.strictEqual((await patient.response()).body, "released", "waiting for the worker is no fault of the client");
	} finally {
		assert.strictEqual(await own.stop(), 0);
	}
});
