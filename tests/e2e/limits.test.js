// How much one client address may have: its WebSockets at workers count until they end, whoever ends them; new sessions at a rate.
const test = require("node:test");
const assert = require("node:assert");
const { io } = require("socket.io-client");
const { start, get, until, childOf, routersOf } = require("./harness");
const { call, taught, within } = require("./exercise");
const { wire } = require("./wire");

const polling = "/socket.io/?EIO=4&transport=polling";
const upgradeHead = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async function using(env, body) {
	const s = await start(["worker.js"], { SIOINIT_WORKERS: "2", SIOINIT_WORKER_LOGS: "raw", ...env });
	const held = [];
	try {
		await body(s, held);
	} finally {
		held.forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
}

// A connected client, or the status that its upgrade was refused with.
function open(s, held, options = {}) {
	const c = io(`http://127.0.0.1:${s.port}`, { transports: ["websocket"], forceNew: true, reconnection: false, localAddress: "127.0.0.2", ...options });
	held.push(c);
	return within(new Promise((resolve, reject) => {
		c.on("connect", () => resolve(c));
		c.on("connect_error", (err) => {
			const status = /Unexpected server response: (\d+)/.exec(err.description?.message || err.description?.error?.message || "");
			if (!status) return reject(err);
			c.close();
			resolve(Number(status[1]));
		});
	}), "an answer");
}

// Opens until one is refused.
async function fill(s, held, options) {
	const opened = [];
	for (;;) {
		const c = await open(s, held, options);
		if (typeof c === "number") {
			assert.strictEqual(c, 429);
			return opened;
		}
		opened.push(c);
	}
}

const metric = async (s, name) => Number(new RegExp(`^sioinit_${name} (\\d+)$`, "m").exec(String((await get(s.admin, "/metrics")).body))[1]);
const gone = (c) => within(new Promise((resolve) => (c.connected ? c.on("disconnect", resolve) : resolve())), "the end of a client");
const socketOf = (c) => c.io.engine.transport.ws._socket;

// Within the time that the recount may take, and no more than @n.
async function roomFor(s, held, n, what, options) {
	const opened = [];
	await until(async () => opened.push(...await fill(s, held, options)) >= n, what, 3000);
	assert.strictEqual(opened.length, n, what);
	return opened;
}

const ends = {
	"the client closes": (c) => c.close(),
	"the client resets": (c) => socketOf(c).resetAndDestroy(),
	"the client is gone without a word": (c) => socketOf(c).destroy(),
	"the server disconnects": (c) => c.emit("leave"),
	"the worker closes": (c) => c.emit("cut"),
};

for (const STICKY of ["", "@socket.io/sticky"])
	test(`an address has so many WebSockets, until they end ${STICKY}`, { timeout: 60000 }, () => using({ SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "4", STICKY }, async (s, held) => {
		const has = await fill(s, held);
		assert.strictEqual(has.length, 4);
		const other = await open(s, held, { localAddress: "127.0.0.3" });
		assert.ok(other.connected, "another address has its own");
		for (const [what, end] of Object.entries(ends)) {
			const c = has.shift();
			end(c);
			await gone(c);
			has.push(...await roomFor(s, held, 1, what));
		}
		// a poll is a connection, too
		assert.strictEqual((await get(s.port, polling, { localAddress: "127.0.0.2" })).status, 429);
		assert.strictEqual((await get(s.port, polling, { localAddress: "127.0.0.4" })).status, 200);
	}));

test("the WebSockets of a killed worker count no more, those of the others do", { timeout: 60000 }, () => using({ SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "8" }, async (s, held) => {
	const has = await fill(s, held);
	const pids = await Promise.all(has.map((c) => call(c, "pid")));
	assert.deepStrictEqual([has.length, new Set(pids).size], [8, 2]);
	const lost = has.filter((_, i) => pids[i] === pids[0]);
	process.kill(pids[0], "SIGKILL");
	await Promise.all(lost.map(gone));
	await roomFor(s, held, lost.length, "those of the killed worker");
}));

test("WebSockets count on when routers are killed", { timeout: 60000 }, () => using({ SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "5", SIOINIT_ROUTERS: "3" }, async (s, held) => {
	await taught(s.port);
	const has = await fill(s, held);
	assert.strictEqual(has.length, 5);
	for (const victim of routersOf(s.pid)) {
		process.kill(victim, "SIGKILL");
		await until(async () => routersOf(s.pid).length === 3 && !routersOf(s.pid).includes(victim), "the next router");
	}
	await until(async () => (await open(s, held)) === 429, "the next routers know");
	assert.ok(has.every((c) => c.connected));
	has[0].close();
	await roomFor(s, held, 1, "one has left");
}));

test("those that init has not counted yet are held to the limit, too", { timeout: 60000 }, () => using({ SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "5", SIOINIT_ROUTERS: "1" }, async (s, held) => {
	const upgrade = () => {
		const w = wire({ port: s.port, localAddress: "127.0.0.2" }).send(`${upgradeHead}\r\n`);
		held.push(w);
		return w.take(/^HTTP\/1\.1 (\d+)/).then((m) => m[1]);
	};
	const waiting = [];
	await taught(s.port, "x");
	const before = await metric(s, "upgrades_total");
	process.kill(s.pid, "SIGSTOP");
	try {
		for (let n = 1; n <= 5; n++) {
			waiting.push(upgrade());
			await until(async () => (await metric(s, "upgrades_total")) === before + n, "the hand-off");
		}
		assert.strictEqual(await upgrade(), "429");
	} finally {
		process.kill(s.pid, "SIGCONT");
	}
	assert.deepStrictEqual(await Promise.all(waiting), Array(5).fill("101"));
	assert.strictEqual(await upgrade(), "429");
}));

test("behind a trusted proxy WebSockets count for the client that it names", { timeout: 60000 }, () => using({ SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "3", SIOINIT_TRUSTED_PROXIES: "127.0.0.0/8" }, async (s, held) => {
	const of = (client) => ({ extraHeaders: { "X-Forwarded-For": client } });
	assert.strictEqual((await fill(s, held, of("203.0.113.7"))).length, 3);
	const others = await fill(s, held, of("2001:db8::1"));
	assert.strictEqual(others.length, 3);
	assert.strictEqual(await open(s, held, of("2001:db8::2")), 429, "the same network");
	others[0].close();
	await roomFor(s, held, 1, "one has left", of("2001:db8::3"));
}));

// While upgrades are made, both workers are stopped; one that has got some of them is killed then, and the other goes on.
async function upgradesThatComeBack(s, n, upgrade, counter) {
	const workers = async () => JSON.parse(String((await get(s.admin, "/status")).body)).workers;
	for (const { pid } of await workers()) process.kill(pid, "SIGSTOP");
	await until(async () => (await workers()).every((w) => w.state === "suspect"), "init to see it");
	const before = await metric(s, counter);
	const made = Array.from({ length: n }, upgrade);
	await until(async () => (await metric(s, counter)) === before + n, "the hand-offs");
	const [victim, other] = (await workers()).sort((a, b) => b.handoffs - a.handoffs);
	process.kill(other.pid, "SIGCONT");
	process.kill(victim.pid, "SIGKILL");
	return Promise.all(made);
}

test("a WebSocket that comes back from a dying worker counts once", { timeout: 60000 }, () => using({ SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "6" }, async (s, held) => {
	await taught(s.port);
	await until(async () => {
		const sockets = [...String((await get(s.admin, "/metrics")).body).matchAll(/^sioinit_worker_sockets\{.*\} (\d+)$/gm)].map((m) => Number(m[1]));
		return sockets.length === 2 && sockets.every((n) => n <= 1); // a descriptor that Node opens after its first client counts, too
	}, "both have none");
	const has = await upgradesThatComeBack(s, 6, () => open(s, held), "upgrades_total");
	assert.ok(await metric(s, "handbacks_total") > 0);
	assert.ok(has.every((c) => c.connected), `${has}`);
	assert.strictEqual(await open(s, held), 429);
	for (const c of has) c.close();
	await roomFor(s, held, 6, "all have left");
}));

test("one that comes back is of the client that its PROXY header named", { timeout: 60000 }, () => using({ SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "6", SIOINIT_PROXY_PROTOCOL: "on", SIOINIT_ACCESS_LOG: "logfmt" }, async (s, held) => {
	const upgrade = async (client) => {
		const w = wire({ port: s.port, host: "127.0.0.1" }).send(`PROXY TCP4 ${client} 10.0.0.1 5 80\r\n${upgradeHead}\r\n`);
		held.push(w);
		return Number((await w.take(/^HTTP\/1\.1 (\d+) [^]*?\r\n\r\n/))[1]);
	};
	assert.deepStrictEqual(await upgradesThatComeBack(s, 6, () => upgrade("203.0.113.2"), "http_requests_total"), Array(6).fill(101));
	assert.strictEqual(await upgrade("203.0.113.3"), 101);
	assert.strictEqual(await upgrade("203.0.113.2"), 429);
	for (const w of held) w.close();
	await until(() => s.out.match(/client="[^"]*"/g)?.length === 8, "a line for each");
	assert.deepStrictEqual([...new Set(s.out.match(/client="[^"]*"/g))].sort(), ['client="203.0.113.2"', 'client="203.0.113.3"']);
}));

test("one address begins sessions at its rate, others at theirs", { timeout: 60000 }, () => using({ SIOINIT_HANDSHAKE_RATE_PER_ADDRESS: "1", SIOINIT_HANDSHAKE_BURST_PER_ADDRESS: "4", SIOINIT_ROUTERS: "3" }, async (s, held) => {
	const handshake = (localAddress) => get(s.port, polling, { localAddress });
	const answers = await Promise.all(Array.from({ length: 12 }, () => handshake("127.0.0.2")));
	const refused = answers.filter((r) => r.status === 429);
	assert.ok(refused.length >= 6 && refused.length <= 8, `${refused.length} refused`);
	assert.strictEqual(refused[0].headers["retry-after"], "1");
	assert.strictEqual(String(refused[0].body), '{"code":429,"message":"too many from this address"}', "as Engine.IO says it");
	assert.strictEqual((await handshake("127.0.0.3")).status, 200);
	const { sid } = JSON.parse(String(answers.find((r) => r.status === 200).body).slice(1));
	assert.strictEqual((await get(s.port, `${polling}&sid=${sid}`, { method: "POST", body: "40", localAddress: "127.0.0.2" })).status, 200);
	const c = await until(async () => {
		const opened = await open(s, held);
		return typeof opened === "object" && opened;
	}, "the next token");
	assert.ok(c.connected);
	assert.match(s.log, /127\.0\.0\.2 begins more sessions than SIOINIT_HANDSHAKE_RATE_PER_ADDRESS=1/);
}));

test("behind a trusted proxy sessions begin at the rate of the client that it names", { timeout: 60000 }, () => using({ SIOINIT_HANDSHAKE_RATE_PER_ADDRESS: "1", SIOINIT_HANDSHAKE_BURST_PER_ADDRESS: "2", SIOINIT_TRUSTED_PROXIES: "127.0.0.1" }, async (s) => {
	const handshake = async (client) => (await get(s.port, polling, { headers: { "X-Forwarded-For": client } })).status;
	for (const client of ["203.0.113.1", "203.0.113.2"]) {
		const statuses = await Promise.all(Array.from({ length: 8 }, () => handshake(client)));
		assert.ok(statuses.filter((status) => status === 200).length <= 4 && statuses[0] === 200, `${statuses}`);
		assert.ok(statuses.includes(429), `${statuses}`);
	}
}));

// What the app sees of the client: http.js's /echo, and a poll of which no answer comes.
test("a router that goes on with a poll knows what the PROXY header had said", { timeout: 60000 }, async () => {
	const s = await start(["hold-poll.js"], { SIOINIT_WORKERS: "1", SIOINIT_UPSTREAM: "tcp", SIOINIT_PROXY_PROTOCOL: "on", SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "2", SIOINIT_ROUTERS: "1" });
	const connect = (client) => wire({ port: s.port, host: "127.0.0.1" }).send(`PROXY TCP4 ${client} 10.0.0.1 5 80\r\n`);
	const ask = (w, path) => w.send(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n`);
	const parked = async (n) => Number(/^sioinit_parked_polls (\d+)$/m.exec(String((await get(s.admin, "/metrics")).body))[1]) === n;
	const polls = [connect("203.0.113.9"), connect("203.0.113.9")];
	try {
		for (const w of polls) ask(w, "/poll?EIO=4&transport=polling&sid=abc");
		await until(() => parked(2), "the polls to be parked");
		const [router] = routersOf(s.pid);
		process.kill(router, "SIGKILL");
		await until(async () => routersOf(s.pid).some((pid) => pid !== router), "the next router");
		await until(() => parked(2), "the polls to be parked again");
		assert.strictEqual((await ask(connect("203.0.113.9"), "/echo").response()).status, 429, "they count");
		const other = connect("203.0.113.10");
		assert.strictEqual((await ask(other, "/release").response()).status, 200);
		other.close();
		for (const w of polls) {
			assert.strictEqual((await w.response()).body, "203.0.113.9");
			assert.strictEqual((await ask(w, "/echo").response()).body, "203.0.113.9");
		}
	} finally {
		polls.forEach((w) => w.close());
		assert.strictEqual(await s.stop(), 0);
	}
});
