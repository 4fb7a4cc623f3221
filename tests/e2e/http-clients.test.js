// Who the client is: forwarding fields, PROXY headers, request ids; and how much one client may have.
const test = require("node:test");
const assert = require("node:assert");
const http = require("http");
const net = require("net");
const { execFileSync } = require("child_process");
const { io } = require("socket.io-client");
const { start, get, until, routerOf } = require("./harness");
const { call } = require("./exercise");
const { wire } = require("./wire");

async function using(args, env, body) {
	const s = await start(args, { SIOINIT_WORKERS: "1", ...env });
	try {
		await body(s);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

async function echo(port, fields = {}, options = {}) {
	const r = await get(port, "/echo", { headers: fields, host: "127.0.0.1", ...options });
	return JSON.parse(r.body).headers;
}

// The app sees who asks in the fields alone.
const byFields = { SIOINIT_UPSTREAM: "tcp" };
const claims = { "X-Forwarded-For": "6.6.6.6, 1.1.1.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "public", "X-Forwarded-Port": "443", Forwarded: "for=1.1.1.1" };

test("what strangers say of their clients is replaced", () =>
	using(["http.js"], byFields, async (s) => {
		const seen = await echo(s.port, claims);
		assert.deepStrictEqual([seen["x-forwarded-for"], seen["x-forwarded-proto"], seen["x-forwarded-host"], seen["x-forwarded-port"], seen.forwarded], ["127.0.0.1", "http", seen.host, undefined, undefined]);
	}));

test("what trusted proxies say is believed and added to; the log names their client", () =>
	using(["http.js"], { ...byFields, SIOINIT_TRUSTED_PROXIES: "127.0.0.0/8,::1", SIOINIT_ACCESS_LOG: "logfmt" }, async (s) => {
		const seen = await echo(s.port, claims);
		assert.deepStrictEqual([seen["x-forwarded-for"], seen["x-forwarded-proto"], seen["x-forwarded-host"], seen["x-forwarded-port"], seen.forwarded], ["6.6.6.6, 1.1.1.1, 127.0.0.1", "https", "public", "443", "for=1.1.1.1, for=127.0.0.1"]);
		await until(async () => /client="1\.1\.1\.1" request="GET \/echo HTTP\/1\.1" status=200/.test(s.out), "the line");
	}));

const v2 = (rest) => Buffer.concat([Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1"), Buffer.from(rest)]).toString("latin1");
const request = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";

test("PROXY headers name the client, whole or in pieces, and then never again", () =>
	using(["http.js"], { ...byFields, SIOINIT_PROXY_PROTOCOL: "on", SIOINIT_HEADER_TIMEOUT: "0.5" }, async (s) => {
		const cases = [
			["PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "1.2.3.4", "http"],
			["PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "2001:db8::1", "http"],
			["PROXY UNKNOWN\r\n", "127.0.0.1", "http"],
			[v2([0x21, 0x11, 0, 12, 9, 8, 7, 6, 5, 6, 7, 8, 0, 1, 0, 2]), "9.8.7.6", "http"],
			[v2([0x21, 0x11, 0, 20, 9, 8, 7, 6, 5, 6, 7, 8, 0, 1, 0, 2, 0x20, 0, 5, 1, 0, 0, 0, 0]), "9.8.7.6", "https"],
			[v2([0x20, 0, 0, 0]), "127.0.0.1", "http"],
		];
		for (const [header, client, proto] of cases) {
			const w = wire({ port: s.port, host: "127.0.0.1" }).send(header + request);
			for (let i = 0; i < 2; i++) {
				const { headers } = JSON.parse((await w.response()).body);
				assert.deepStrictEqual([headers["x-forwarded-for"], headers["x-forwarded-proto"]], [client, proto]);
				w.send(request);
			}
			w.close();
		}
		const [header] = cases[3], whole = header + request;
		await Promise.all(Array.from({ length: header.length }, async (_, cut) => {
			const w = wire(s.port);
			await new Promise((sent) => w.socket.write(whole.slice(0, cut + 1), "latin1", sent));
			await get(s.admin, "/livez");
			assert.strictEqual(JSON.parse((await w.send(whole.slice(cut + 1)).response()).body).headers["x-forwarded-for"], "9.8.7.6");
			w.close();
		}));
		for (const bad of [request, "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n" + request, v2([0x21, 0x11, 0, 3, 1, 2, 3]) + request, "PROXY TCP4 1.2.3.4", ""]) assert.strictEqual(await wire(s.port).send(bad).end(), "", JSON.stringify(bad));
		assert.match(s.log, /SIOINIT_PROXY_PROTOCOL=on/);
	}));

test("Socket.IO behind a PROXY header, over every transport", { timeout: 60000 }, () =>
	using(["worker.js"], { SIOINIT_PROXY_PROTOCOL: "on" }, async (s) => {
		const between = net.createServer((c) => {
			const up = net.connect(s.port, "127.0.0.1");
			up.write("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n");
			c.pipe(up).pipe(c);
			for (const end of [c, up]) end.on("error", () => {});
		});
		await new Promise((resolve) => between.listen(0, "127.0.0.1", resolve));
		try {
			for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
				const c = io(`http://127.0.0.1:${between.address().port}`, { transports, forceNew: true, reconnection: false });
				assert.strictEqual(await call(c, "echo", "hello"), "hello", transports.join());
				c.close();
			}
		} finally {
			between.close();
		}
	}));

test("an app finds its client's address the same way over every transport, whatever the client claims", () =>
	using(["worker.js"], { STICKY: "@socket.io/sticky", SIOINIT_ROUTERS: "1" }, async (s) => {
		const localAddress = "127.0.0.5";
		const seen = async (transports, extraHeaders) => {
			const client = io(`http://127.0.0.1:${s.port}`, { transports, agent: new http.Agent({ localAddress }), localAddress, extraHeaders, forceNew: true });
			try {
				return [await call(client, "address"), await call(client, "forwarded")].map((a) => a && a.replace("::ffff:", ""));
			} finally {
				client.close();
			}
		};
		for (const claims of [{ "X-Forwarded-For": "6.6.6.6" }, {}])
			for (const transports of [["polling"], ["polling", "websocket"], ["websocket"]]) {
				const [address, forwarded] = await seen(transports, claims);
				assert.strictEqual(address, localAddress, `${transports} ${Object.keys(claims)}`);
				assert.ok([null, localAddress].includes(forwarded), `${forwarded} ${transports}`);
			}
		assert.deepStrictEqual(await seen(["websocket"], {}), [localAddress, null], "handed over: nobody stands in between");
	}));

test("40 clients behind a trusted proxy are spread by their own addresses, and each stays where it is", { timeout: 60000 }, () =>
	using(["http.js"], { SIOINIT_STICKY: "address", SIOINIT_TRUSTED_PROXIES: "127.0.0.1", SIOINIT_WORKERS: "4" }, async (s) => {
		const slotOf = async (i) => JSON.parse((await get(s.port, "/echo", { host: "127.0.0.1", headers: { "X-Forwarded-For": `203.0.113.${i}` } })).body).slot;
		const slots = [];
		for (let i = 0; i < 40; i++) slots.push(await slotOf(i));
		assert.deepStrictEqual([...new Set(slots)].sort(), ["0", "1", "2", "3"]);
		for (let i = 0; i < 40; i++) assert.strictEqual(await slotOf(i), slots[i]);
	}));

test("requests get an id, and keep the one they have", () =>
	using(["http.js"], { SIOINIT_REQUEST_ID: "X-Request-ID", SIOINIT_ACCESS_LOG: "json" }, async (s) => {
		assert.strictEqual((await echo(s.port, { "x-request-id": "mine" }))["x-request-id"], "mine");
		for (const wrong of ["a b", "x".repeat(129), "a<b>"]) assert.match((await echo(s.port, { "x-request-id": wrong }))["x-request-id"], /^[\da-f]{32}$/);
		const ids = new Set(), polls = Array.from({ length: 20 }, () => echo(s.port));
		for (const seen of await Promise.all(polls)) ids.add(seen["x-request-id"]);
		assert.strictEqual(ids.size, 20);
		for (const id of ids) assert.match(id, /^[\da-f]{32}$/);
		await until(async () => s.out.includes(`"id":"${[...ids][19]}"`) && s.out.includes('"id":"mine"'), "the log");
	}));

test("answers carry the id, our own too, unless the app has said one", () =>
	using(["http.js"], { SIOINIT_REQUEST_ID: "X-Request-ID" }, async (s) => {
		const id = async (url, headers = { "X-Request-ID": "mine" }) => (await get(s.port, url, { headers })).headers["x-request-id"];
		assert.strictEqual(await id("/length"), "mine");
		assert.match(await id("/length", {}), /^[\da-f]{32}$/);
		const named = Buffer.from("HTTP/1.1 200 OK\r\nx-request-id: theirs\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").toString("hex");
		assert.strictEqual(await id(`/raw?${named}`), "theirs");
		assert.strictEqual(await id(`/raw?${Buffer.from("nonsense\r\n\r\n").toString("hex")}`), "mine", "of a 502");
		const w = wire(s.port);
		await w.send("GET /length HTTP/1.1\r\nHost: x\r\nX-Request-ID: first\r\n\r\n").response();
		const refused = await w.send("nonsense\r\n\r\n").response();
		assert.deepStrictEqual([refused.status, refused.fields["x-request-id"]], [400, undefined]);
	}));

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const traced = (s, headers) => echo(s.port, headers).then((seen) => [seen.traceparent, seen.tracestate]);

test("a valid trace is kept and logged, any other ends here", () =>
	using(["http.js"], { SIOINIT_TRACEPARENT: "keep", SIOINIT_ACCESS_LOG: "json" }, async (s) => {
		assert.deepStrictEqual(await traced(s, { traceparent: parent, tracestate: "a=b" }), [parent, "a=b"]);
		assert.deepStrictEqual(await traced(s, { traceparent: parent.toUpperCase(), tracestate: "a=b" }), [undefined, undefined]);
		assert.deepStrictEqual(await traced(s, { tracestate: "a=b" }), [undefined, undefined]);
		await until(async () => s.out.includes(`"trace":"${parent.slice(3, 35)}"`), "the log");
		assert.strictEqual(s.out.match(/"trace"/g).length, 1);
	}));

test("a trace is made where there is none", () =>
	using(["http.js"], { SIOINIT_TRACEPARENT: "make", SIOINIT_ACCESS_LOG: "logfmt" }, async (s) => {
		assert.deepStrictEqual(await traced(s, { traceparent: parent, tracestate: "a=b" }), [parent, "a=b"]);
		const all = await Promise.all([{}, { traceparent: "00-0-0-0", tracestate: "a=b" }].map((h) => traced(s, h)));
		for (const [made, state] of all) {
			assert.match(made, /^00-[\da-f]{32}-[\da-f]{16}-01$/);
			assert.strictEqual(state, undefined);
			await until(async () => s.out.includes(` trace="${made.slice(3, 35)}"`), "the log");
		}
		assert.notStrictEqual(all[0][0], all[1][0]);
	}));

test("by default a trace is nobody's business here", () =>
	using(["http.js"], {}, async (s) => assert.deepStrictEqual(await traced(s, { traceparent: "x", tracestate: "a=b" }), ["x", "a=b"])));

test("one address may have so many connections, and others theirs", () =>
	using(["http.js"], { SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "3" }, async (s) => {
		const from = (localAddress) => wire({ port: s.port, host: "127.0.0.1", localAddress }).send("GET /length HTTP/1.1\r\nHost: x\r\n\r\n");
		const held = Array.from({ length: 3 }, () => from("127.0.0.2"));
		for (const w of held) assert.strictEqual((await w.response()).status, 200);
		const more = await from("127.0.0.2").response();
		assert.deepStrictEqual([more.status, more.fields["retry-after"], more.fields.connection], [429, "1", "close"]);
		assert.strictEqual((await from("127.0.0.3").response()).status, 200);
		held[0].close();
		await until(async () => (await from("127.0.0.2").response()).status === 200, "room again");
		held.forEach((w) => w.close());
	}));

test("behind a trusted proxy it is the requests of one address that count", () =>
	using(["http.js"], { SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "2", SIOINIT_TRUSTED_PROXIES: "127.0.0.1" }, async (s) => {
		const send = (path, client) => wire({ port: s.port, host: "127.0.0.1" }).send(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${client}\r\n\r\n`);
		const held = [send("/hold", "1.1.1.1"), send("/hold", "1.1.1.1")];
		await until(async () => String((await get(s.port, "/held", { host: "127.0.0.1" })).body) === "2", "two requests");
		assert.strictEqual((await send("/length", "1.1.1.1").response()).status, 429);
		const other = send("/length", "2.2.2.2");
		assert.strictEqual((await other.response()).status, 200);
		await get(s.port, "/release", { host: "127.0.0.1" });
		for (const w of held) assert.strictEqual((await w.response()).body, "released");
		for (let i = 0; i < 5; i++) assert.strictEqual((await other.send("GET /length HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n").response()).status, 200);
		other.close();
		held.forEach((w) => w.close());
	}));

test("new sessions come at a rate, known ones are served", () =>
	using(["worker.js"], { SIOINIT_HANDSHAKE_RATE: "1", SIOINIT_HANDSHAKE_BURST: "4" }, async (s) => {
		const handshake = () => get(s.port, "/socket.io/?EIO=4&transport=polling");
		const answers = await Promise.all(Array.from({ length: 12 }, handshake));
		const refused = answers.filter((r) => r.status === 503);
		assert.ok(refused.length >= 6 && refused.length <= 8, `${refused.length} refused`);
		assert.strictEqual(refused[0].headers["retry-after"], "1");
		const { sid } = JSON.parse(String(answers.find((r) => r.status === 200).body).slice(1));
		assert.strictEqual((await get(s.port, `/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: "POST", body: "40" })).status, 200);
		await until(async () => (await handshake()).status === 200, "the next token");
		// as the app reads it, whatever it is written like
		const escaped = await Promise.all(Array.from({ length: 12 }, () => get(s.port, "/socket.io/?%45IO=4&%74ransport=polling")));
		assert.ok(escaped.filter((r) => r.status === 503).length >= 6, "no other way to a new session");
		const again = await get(s.port, `/socket.io/?EIO=4&transport=polling&s%69d=none&si%64=${sid}`, { method: "POST", body: "2" });
		assert.strictEqual(again.status, 200, "of several the last counts");
	}));

test("out of descriptors: clients wait, and are served when there is room", { timeout: 60000 }, () =>
	using(["http.js"], { SIOINIT_ROUTERS: "1" }, async (s) => {
		const router = routerOf(s.pid);
		assert.strictEqual((await get(s.port, "/length")).status, 200);
		const used = require("fs").readdirSync(`/proc/${router}/fd`).length;
		execFileSync("prlimit", ["--pid", String(router), `--nofile=${used + 8}:${used + 8}`]);
		const crowd = Array.from({ length: 30 }, () => wire(s.port));
		await until(async () => s.log.includes("clients wait until there is room"), "the limit");
		const late = wire(s.port).send("GET /length HTTP/1.1\r\nHost: x\r\n\r\n");
		crowd.forEach((w) => w.close());
		assert.strictEqual((await late.response()).body, "hello");
		late.close();
		assert.strictEqual((await get(s.port, "/length")).status, 200);
		assert.strictEqual(s.log.match(/clients wait until there is room/g).length, 1);
	}));
