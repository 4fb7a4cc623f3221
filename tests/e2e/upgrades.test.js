// Which WebSockets leave the router, and that nobody else does: a client that says Upgrade gets past nothing that the router
// keeps from the app.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, get, until, routersOf } = require("./harness");
const { wire } = require("./wire");

const CLIENT = "127.0.0.5"; // what the app sees as its peer if the connection itself is the worker's
const forged = "X-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\n";
const upgradeFields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const upgrade = (path, fields = "", host = "x") => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}${upgradeFields}\r\n`;
const plain = (path, fields = "") => `GET ${path} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;

async function using(env, body) {
	const s = await start(["upgrades.js"], { SIOINIT_WORKERS: "1", SIOINIT_UPSTREAM: "tcp", SIOINIT_ROUTERS: "1", SIOINIT_WORKER_LOGS: "raw", ...env });
	const held = [];
	s.connect = () => {
		const w = wire({ port: s.port, host: "127.0.0.1", localAddress: CLIENT });
		held.push(w);
		return w;
	};
	try {
		await body(s);
	} finally {
		held.forEach((w) => w.close());
		assert.strictEqual(await s.stop(), 0);
	}
}

// What the app saw of an upgrade that it has answered 101
async function welcome(w) {
	await w.take(/^HTTP\/1\.1 101 [^]*?\r\n\r\n/);
	return JSON.parse((await w.take(/^([^\n]*)\n/))[1]);
}

async function upgraded(s, ...args) {
	const w = s.connect().send(upgrade(...args));
	return { ...(await welcome(w)), w };
}

const isHandedOver = ({ peer }) => peer === CLIENT;

// With one router and one worker, which know of it then
async function taught(s, path = "/ws") {
	assert.ok(!isHandedOver(await upgraded(s, path)), "the first one shows it");
	assert.ok(isHandedOver(await upgraded(s, path)), "the next ones are handed over");
}

const metric = async (s, name) => Number(new RegExp(`^sioinit_${name} (\\d+)$`, "m").exec(String((await get(s.admin, "/metrics")).body))[1]);

const deaf = {
	"a plain app": [{ KIND: "none" }, "/"],
	"a plain app, asked as for Socket.IO": [{ KIND: "none" }, "/socket.io/?EIO=4&transport=websocket"],
	"an app on a port of its own": [{ KIND: "none", SIOINIT_DISPATCH: "port" }, "/"],
	"Socket.IO by polling alone": [{ KIND: "polling" }, "/socket.io/?EIO=4&transport=websocket"],
	"Socket.IO by polling alone, with setupWorker": [{ KIND: "polling", STICKY: "1" }, "/socket.io/?EIO=4&transport=websocket"],
};

for (const [what, [env, path]] of Object.entries(deaf))
	for (const routers of ["1", "2"])
		test(`${what}, ${routers} router(s): who says Upgrade stays a client like any other`, { timeout: 60000 }, () =>
			using({ ...env, SIOINIT_ROUTERS: routers, SIOINIT_WORKERS: "2", SIOINIT_ACCESS_LOG: "logfmt" }, async (s) => {
				const session = "/socket.io/?EIO=4&transport=polling";
				if (env.KIND === "polling") // the app is known for what it is
					for (let i = 0; i < 8; i++) assert.match((await s.connect().send(plain(session)).response()).body, /"upgrades":\[\]/);
				const w = s.connect();
				for (let i = 0; i < 3; i++) {
					await w.send(upgrade(path, i ? forged : "")).response(); // one that could be handed over as it is
					const { peer, xff, real, forwarded } = JSON.parse((await w.send(plain(`/seen${i}`, forged)).response()).body);
					assert.deepStrictEqual([peer, xff, real, forwarded], ["127.0.0.1", CLIENT, undefined, undefined]);
				}
				await until(async () => s.out.includes('request="GET /seen2'), "the log has them all");
				assert.strictEqual(await metric(s, "upgrades_total"), 0);
			}));

for (const dispatch of ["auto", "port"])
	test(`a WebSocket with claims is tunnelled with another head, ${dispatch}`, { timeout: 60000 }, () =>
		using({ KIND: "raw", SIOINIT_DISPATCH: dispatch, SIOINIT_ACCESS_LOG: "logfmt" }, async (s) => {
			if (dispatch === "auto") await taught(s);
			const before = await metric(s, "upgrades_total");
			const claims = [...forged.trimEnd().split("\r\n").map((line) => `${line}\r\n`), "X_Real_IP: 6.6.6.6\r\n", "x-forwarded-anything: 6.6.6.6\r\n", forged];
			for (const fields of claims) {
				const { w, ...seen } = await upgraded(s, "/ws", fields);
				assert.deepStrictEqual([seen.peer, seen.xff, seen.real, seen.forwarded], ["127.0.0.1", CLIENT, undefined, undefined], fields);
				await w.send("hello").take(/^hello/);
				w.socket.end();
				await w.end();
			}
			assert.strictEqual(await metric(s, "upgrades_total"), before + claims.length);
			await until(async () => s.out.match(/request="GET \/ws HTTP\/1\.1" status=101/g).length >= claims.length, "a line for each");
		}));

test("the first ones are tunnelled, the next outlive the router, and the next router learns again", { timeout: 60000 }, () =>
	using({ KIND: "raw" }, async (s) => {
		const tunnelled = await upgraded(s, "/ws"), handed = await upgraded(s, "/ws");
		assert.deepStrictEqual([tunnelled, handed].map(isHandedOver), [false, true]);
		const [router] = routersOf(s.pid);
		process.kill(router, "SIGKILL");
		await tunnelled.w.end();
		await handed.w.send("alive").take(/^alive/);
		await until(async () => routersOf(s.pid).some((pid) => pid !== router), "the next router");
		await taught(s);
	}));

test("tunnelled ones count for their address", { timeout: 60000 }, () =>
	using({ KIND: "raw", SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "2" }, async (s) => {
		const first = await upgraded(s, "/ws", forged);
		await upgraded(s, "/ws", forged);
		assert.strictEqual((await s.connect().send(upgrade("/ws")).response()).status, 429);
		first.w.socket.destroy();
		await until(async () => {
			const w = s.connect().send(upgrade("/ws"));
			return (await w.take(/^HTTP\/1\.1 (\d+)/))[1] === "101";
		}, "room for one");
	}));

const odd = {
	"another path": [upgrade("/ws/2"), "/ws/2"],
	"an encoded path": [upgrade("/ws%2f2"), "/ws%2f2"],
	"an empty segment": [upgrade("//ws"), "//ws"],
	"another Host": [upgrade("/ws", "", "y"), "/ws"],
	"a target in absolute form": [upgrade("http://x/ws"), "/ws"],
	"fields that end at the router": [upgrade("/ws", "Connection: X-Secret\r\nX-Secret: 1\r\n"), "/ws"],
	"one more protocol": [upgrade("/ws", "Upgrade: other\r\n"), "/ws"],
	"a list of protocols": [upgrade("/ws").replace("Upgrade: websocket", "Upgrade: other, websocket"), "/ws"],
};

for (const [what, [text, url]] of Object.entries(odd))
	test(`where /ws takes WebSockets, one with ${what} is tunnelled, as a WebSocket and nothing else`, { timeout: 60000 }, () =>
		using({ KIND: "raw" }, async (s) => {
			await taught(s);
			const seen = await welcome(s.connect().send(text));
			assert.deepStrictEqual([isHandedOver(seen), seen.url, seen.xff, seen.upgrade], [false, url, CLIENT, "websocket"]);
		}));

test("an upgrade with a body, by POST or of HTTP/1.0 is none", { timeout: 60000 }, () =>
	using({ KIND: "raw" }, async (s) => {
		await taught(s);
		const head = upgrade("/ws", forged);
		for (const text of [
			head.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello"),
			head.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
			head.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n"),
			head.replace("HTTP/1.1", "HTTP/1.0"),
		]) {
			const { status, body } = await s.connect().send(text).response();
			const { xff, upgrade: protocol } = JSON.parse(body);
			assert.deepStrictEqual([status, xff, protocol], [200, CLIENT, undefined], text);
		}
	}));

test("a change to another protocol shows nothing of WebSockets", { timeout: 60000 }, () =>
	using({ KIND: "raw" }, async (s) => {
		for (let i = 0; i < 3; i++) assert.ok(!isHandedOver(await upgraded(s, "/other")));
	}));

test("the second request of a connection, its head in pieces and bytes behind it: handed over as it is", { timeout: 60000 }, () =>
	using({ KIND: "raw" }, async (s) => {
		for (const handedOver of [false, true, true]) {
			const w = s.connect();
			await w.send(plain("/first")).response();
			const text = upgrade("/ws");
			w.send(text.slice(0, 40));
			await get(s.admin, "/livez");
			const seen = await welcome(w.send(`${text.slice(40)}early`));
			assert.strictEqual(isHandedOver(seen), handedOver);
			await w.take(/^early/);
			await w.send("late").take(/^late/);
		}
	}));

test("what follows an upgrade that nobody takes is a request like any other", { timeout: 60000 }, () =>
	using({ KIND: "none" }, async (s) => {
		const w = s.connect().send(upgrade("/1", forged) + plain("/2", forged));
		for (const url of ["/1", "/2"]) {
			const seen = JSON.parse((await w.response()).body);
			assert.deepStrictEqual([seen.url, seen.xff, seen.real], [url, CLIENT, undefined]);
		}
	}));

test("new code that takes no WebSockets gets none", { timeout: 60000 }, async () => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const kind = path.join(folder, "kind");
	fs.writeFileSync(kind, "raw");
	try {
		await using({ KIND_FILE: kind }, async (s) => {
			await taught(s);
			const { pid } = JSON.parse((await s.connect().send(plain("/")).response()).body);
			fs.writeFileSync(kind, "none");
			process.kill(s.pid, "SIGHUP");
			await until(async () => JSON.parse((await get(s.port, "/")).body).pid !== pid, "the next worker");
			const w = s.connect();
			for (let i = 0; i < 2; i++) {
				assert.strictEqual(JSON.parse((await w.send(upgrade("/ws", forged)).response()).body).xff, CLIENT);
				assert.strictEqual(JSON.parse((await w.send(upgrade("/ws")).response()).body).peer, "127.0.0.1");
			}
		});
	} finally {
		fs.rmSync(folder, { recursive: true });
	}
});

test("behind a PROXY header all are tunnelled, as the client that it names", { timeout: 60000 }, () =>
	using({ KIND: "raw", SIOINIT_PROXY_PROTOCOL: "on" }, async (s) => {
		for (let i = 0; i < 3; i++) {
			const seen = await welcome(s.connect().send(`PROXY TCP4 203.0.113.9 10.0.0.1 5 80\r\n${upgrade("/ws", i ? forged : "")}`));
			assert.deepStrictEqual([isHandedOver(seen), seen.xff, seen.real, seen.forwarded], [false, "203.0.113.9", undefined, undefined]);
		}
	}));

test("what a trusted proxy says goes with those handed over", { timeout: 60000 }, () =>
	using({ KIND: "raw", SIOINIT_TRUSTED_PROXIES: CLIENT }, async (s) => {
		const said = "X-Forwarded-For: 203.0.113.9\r\n";
		const tunnelled = await upgraded(s, "/ws", said), handed = await upgraded(s, "/ws", said);
		assert.deepStrictEqual([isHandedOver(tunnelled), tunnelled.xff], [false, `203.0.113.9, ${CLIENT}`]);
		assert.deepStrictEqual([isHandedOver(handed), handed.xff], [true, "203.0.113.9"]); // its peer is the proxy itself
	}));
