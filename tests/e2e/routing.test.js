// Who gets which worker, and who notices when a client, a worker or the router misbehaves.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const http = require("http");
const net = require("net");
const { io } = require("socket.io-client");
const { start, get, until, routerOf } = require("./harness");
const { exercise, connect, call, collect, taught, within } = require("./exercise");

const app = { SIOINIT_WORKERS: "2", STICKY: "@socket.io/sticky", ADAPTER: "@socket.io/cluster-adapter" };
const polling = "/socket.io/?EIO=4&transport=polling";

const sidOf = (answer) => JSON.parse(String(answer.body).slice(1)).sid;
const post = (sid, body) => `POST ${polling}&sid=${sid} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
const poll = (sid) => `GET ${polling}&sid=${sid} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

// What comes until the connection's end.
function all(socket) {
	return new Promise((resolve, reject) => {
		let got = "";
		socket.on("data", (d) => (got += d)).on("end", () => resolve(got)).on("error", reject);
	});
}

function begin(port, bytes) {
	return new Promise((resolve, reject) => {
		const socket = net.connect({ port, host: "127.0.0.1", noDelay: true }).on("error", reject);
		socket.write(bytes, () => resolve(socket));
	});
}

// The router is one loop: once it has answered this, it has seen what was sent before.
const seen = (s) => get(s.admin, "/livez");

// slack: how far a worker may be off its share, as a part of that.
function assertEven(names, groups, slack) {
	const counts = new Map();
	for (const name of names) counts.set(name, (counts.get(name) || 0) + 1);
	const all = [...counts.values()], share = names.length / groups;
	assert.strictEqual(all.length, groups);
	assert.ok(all.every((n) => Math.abs(n - share) <= slack * share), `spread: ${all}`);
}

// Clients that must not notice anything.
async function bystanders(port, n) {
	const sockets = await connect(io, port, n, { reconnection: false });
	const lost = [];
	const pids = await Promise.all(sockets.map((c) => call(c, "pid")));
	sockets.forEach((c, i) => c.on("disconnect", (why) => lost.push(`client ${i}: ${why}`)));
	const check = async () => {
		const got = Promise.all(sockets.map((c) => collect(c, "all", 1)));
		assert.deepStrictEqual(lost, []);
		sockets[0].emit("all", "still there?");
		assert.deepStrictEqual(await got, sockets.map(() => [["still there?"]]));
		assert.deepStrictEqual(await Promise.all(sockets.map((c) => call(c, "pid"))), pids);
	};
	return { sockets, pids, check, close: () => sockets.forEach((c) => c.close()) };
}

test("a request in two segments, cut at every byte", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], app);
	try {
		for (const [make, expected] of [[(sid) => post(sid, "40"), /^HTTP\/1.1 200/], [poll, /^HTTP\/1.1 200 [^]*40\{"sid":/]]) {
			const length = make("x".repeat(20)).length;
			const sids = await Promise.all(Array.from({ length: length - 1 }, async () => sidOf(await get(s.port, polling))));
			if (make === poll) await Promise.all(sids.map((sid) => get(s.port, `${polling}&sid=${sid}`, { method: "POST", body: "40" })));
			const sockets = await Promise.all(sids.map((sid, i) => begin(s.port, make(sid).slice(0, i + 1))));
			await seen(s);
			const answers = await Promise.all(sockets.map((c, i) => {
				const answer = all(c);
				c.write(make(sids[i]).slice(i + 1));
				return answer;
			}));
			for (const [i, answer] of answers.entries()) assert.match(answer, expected, `cut after ${make(sids[i]).slice(0, i + 1)}`);
		}
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("uuids as session ids", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], { ...app, SESSION_ID: "uuid" });
	try {
		assert.match(sidOf(await get(s.port, polling)), /^[\da-f]{8}-/);
		await exercise(io, s.port);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("bursts spread evenly", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], { ...app, SIOINIT_WORKERS: "4", SESSION_ID: "slot" });
	let sockets = [];
	try {
		const answers = await Promise.all(Array.from({ length: 200 }, () => get(s.port, polling)));
		assertEven(answers.map((a) => sidOf(a).split("-")[0]), 4, 0.2);
		sockets = Array.from({ length: 100 }, () => io(`http://127.0.0.1:${s.port}`, { transports: ["websocket"], forceNew: true, reconnection: false }));
		assertEven(await Promise.all(sockets.map((c) => call(c, "pid"))), 4, 0.5);
	} finally {
		sockets.forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
});

test("1000 sessions of workers that are pinged all the time: not one 400", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], { ...app, SIOINIT_PING_INTERVAL: "0.01" });
	try {
		for (let round = 0; round < 5; round++) {
			const sids = await Promise.all(Array.from({ length: 200 }, async () => sidOf(await get(s.port, polling))));
			const posts = await Promise.all(sids.map((sid) => get(s.port, `${polling}&sid=${sid}`, { method: "POST", body: "40" })));
			assert.deepStrictEqual([...new Set(posts.map((r) => r.status))], [200]);
		}
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("nobody notices a client that sends nonsense, too much, or not enough", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], { ...app, SIOINIT_HEADER_TIMEOUT: "0.5" });
	const cases = [
		[`GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(1e6)}\r\n\r\n`, /^HTTP\/1.1 431/],
		[`GET /${"a".repeat(1e6)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1.1 4(14|31)/],
		[require("crypto").randomBytes(1e5), /^HTTP\/1.1 4(00|31)/],
		["\0".repeat(100), /^HTTP\/1.1 400/],
		["GET", /^HTTP\/1.1 408/],
		[`GET ${polling} HTTP/1.1\r\nHost: x\r\n`, /^HTTP\/1.1 408/],
	];
	let others;
	try {
		others = await bystanders(s.port, 6);
		const answers = await Promise.all(cases.map(async ([bytes]) => {
			const c = net.connect(s.port, "127.0.0.1");
			const answer = all(c);
			c.write(bytes);
			return answer;
		}));
		cases.forEach(([bytes, expected], i) => assert.match(answers[i], expected, String(bytes).slice(0, 40)));
		for (const bytes of [poll("x").slice(0, 30), post("x", "abc").slice(0, -2), "\r\n"]) (await begin(s.port, bytes)).destroy();
		for (const bytes of [poll("x").slice(0, 30), post("x", "abc").slice(0, -2)]) (await begin(s.port, bytes)).resetAndDestroy();
		await others.check();
	} finally {
		others?.close();
		assert.strictEqual(await s.stop(), 0);
	}
});

for (const [i, piece] of ["garbage, longer than anybody may", [0, 0, 0, 0], [0, 0, 0, 4, 1, 2, 3, 4]].entries())
	test(`a worker that breaks the framing of its advanced channel (${i}) is replaced`, { timeout: 60000 }, async () => {
		const s = await start(["worker.js"], { ...app, SIOINIT_SERIALIZATION: "advanced" });
		const started = () => s.log.match(/worker\[\d\]: booting -> ready/g).length;
		let good, bad;
		try {
			good = await bystanders(s.port, 1);
			bad = await bystanders(s.port, 6);
			const victim = bad.sockets[bad.pids.findIndex((pid) => pid !== good.pids[0])];
			const lost = new Promise((resolve) => victim.once("disconnect", resolve));
			victim.emit("garbage", Buffer.from(piece).toString("base64"));
			await within(lost, "the end of the worker");
			await until(async () => started() === 3, "another worker");
			await good.check();
		} finally {
			for (const clients of [good, bad]) clients?.close();
			assert.strictEqual(await s.stop(), 0);
		}
	});

test("lines that are no JSON are passed over, and their worker goes on", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], { ...app, SIOINIT_SERIALIZATION: "json" });
	const passedOver = async () => Number(/passed_over_total\{reason="unreadable"\} (\d+)/.exec((await get(s.admin, "/metrics")).body)[1]);
	let all;
	try {
		all = await bystanders(s.port, 6);
		for (const [i, line] of ["garbage\n", "\n", "{}}\n"].entries()) {
			all.sockets[0].emit("garbage", Buffer.from(line).toString("base64"));
			await until(async () => (await passedOver()) === i + 1, "the line is counted");
			await all.check();
		}
	} finally {
		all?.close();
		assert.strictEqual(await s.stop(), 0);
	}
});

test("a worker killed with hand-offs in flight: another one serves them", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], app);
	let others, caller, sockets = [];
	try {
		others = await bystanders(s.port, 1);
		[caller] = await connect(io, s.port, 1, { transports: ["websocket"], reconnection: false });
		const hung = await call(caller, "hang");
		assert.notStrictEqual(hung, others.pids[0]);
		sockets = Array.from({ length: 6 }, () => io(`http://127.0.0.1:${s.port}`, { transports: ["websocket"], forceNew: true, reconnection: false }));
		let served = 0;
		const answers = sockets.map((c) => call(c, "pid").finally(() => served++));
		const handshakes = Array.from({ length: 6 }, () => get(s.port, polling).finally(() => served++));
		await until(async () => served >= 4, "the other half is served");
		await seen(s);
		assert.ok(served < 12, "some wait for the hanging worker");
		process.kill(hung, "SIGKILL");
		assert.ok(!(await Promise.all(answers)).includes(hung));
		assert.deepStrictEqual((await within(Promise.all(handshakes), "handshakes")).map((r) => r.status), handshakes.map(() => 200));
		await others.check();
	} finally {
		sockets.forEach((c) => c.close());
		for (const clients of [others, caller]) clients?.close();
		assert.strictEqual(await s.stop(), 0);
	}
});

test("the router killed under load: WebSockets live on, sessions are known, clients come back by themselves", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], app);
	let over = false, sockets = [], pollers = [];
	try {
		await taught(s.port);
		sockets = await connect(io, s.port, 12, { transports: ["websocket"], reconnection: false });
		pollers = await connect(io, s.port, 4, { transports: ["polling"], reconnectionDelay: 100 });
		const sids = await Promise.all(Array.from({ length: 50 }, async () => sidOf(await get(s.port, polling))));
		const lost = [];
		sockets.forEach((c, i) => c.on("disconnect", (why) => lost.push(`client ${i}: ${why}`)));
		pollers.forEach((c, i) => c.on("connect_error", (err) => lost.push(`poller ${i}: ${err.message}`)));
		const counts = sockets.map(() => 0);
		const load = Promise.all(sockets.map(async (c, i) => {
			for (; !over; counts[i]++) assert.strictEqual(await call(c, "echo", counts[i]), counts[i]);
		}));
		load.catch(() => {});
		for (let round = 0; round < 3; round++) {
			const before = counts.slice(), router = routerOf(s.pid);
			process.kill(router, "SIGKILL");
			await Promise.all(pollers.map((c) => until(() => c.timeout(1000).emitWithAck("pid"), "a polling client is served")));
			await until(async () => counts.every((n, i) => n > before[i] + 10), "the WebSockets");
			assert.notStrictEqual(routerOf(s.pid), router);
		}
		over = true;
		await load;
		const posts = await Promise.all(sids.map((sid) => get(s.port, `${polling}&sid=${sid}`, { method: "POST", body: "40" })));
		assert.deepStrictEqual(posts.map((r) => r.status), sids.map(() => 200));
		assert.deepStrictEqual(lost, []);
	} finally {
		over = true;
		[...sockets, ...pollers].forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
});

test("waiting polls outlive the router: no polling client loses its session", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], app);
	let sockets = [];
	const lost = [];
	const parked = async () => Number(String((await get(s.admin, "/metrics")).body).match(/^sioinit_parked_polls (\d+)$/m)[1]);
	try {
		sockets = await connect(io, s.port, 24, { transports: ["polling"], upgrade: false, reconnection: false });
		sockets.forEach((c, i) => c.on("disconnect", (why) => lost.push(`client ${i}: ${why}`)));
		for (let round = 0; round < 3; round++) {
			await until(async () => (await parked()) === sockets.length, "all polls to wait");
			const router = routerOf(s.pid);
			process.kill(router, "SIGKILL");
			await until(async () => ![undefined, router].includes(routerOf(s.pid)) && (await get(s.admin, "/readyz")).status === 200, "the next router");
			const got = Promise.all(sockets.map((c) => collect(c, "all", 1)));
			sockets[round].emit("all", `round ${round}`);
			assert.deepStrictEqual(await got, sockets.map(() => [[`round ${round}`]]));
			assert.deepStrictEqual(lost, []);
		}
	} finally {
		sockets.forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
});

// A router that is busy for nothing does not sleep between requests.
test("waiting polls that their clients leave keep nobody busy, also when init is slow to close its copies", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], { SIOINIT_WORKERS: "1" });
	const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
	const metric = async (name) => Number(String((await get(s.admin, "/metrics")).body).match(new RegExp(`^sioinit_${name} (\\d+)$`, "m"))[1]);
	const sleeps = () => Number(fs.readFileSync(`/proc/${routerOf(s.pid)}/status`, "utf8").match(/^voluntary_ctxt_switches:\s+(\d+)$/m)[1]);
	const ask = async () => assert.strictEqual((await get(s.port, polling, { agent })).status, 200);
	try {
		const polls = await Promise.all(Array.from({ length: 10 }, async () => begin(s.port, poll(sidOf(await get(s.port, polling))))));
		await until(async () => (await metric("parked_polls")) === polls.length, "all polls to wait");
		await ask();
		const clients = await metric("clients");
		process.kill(s.pid, "SIGSTOP");
		polls.forEach((c) => c.destroy());
		await until(async () => (await metric("clients")) <= clients - polls.length, "they are gone");
		const before = sleeps();
		for (let i = 0; i < 50; i++) await ask();
		assert.ok(sleeps() - before > 40, `${sleeps() - before} times asleep`);
	} finally {
		agent.destroy();
		process.kill(s.pid, "SIGCONT");
		assert.strictEqual(await s.stop(), 0);
	}
});

test("hand-offs in flight when the router is killed are served", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], app);
	let sockets = [];
	try {
		await taught(s.port, "x");
		process.kill(s.pid, "SIGSTOP");
		sockets = await Promise.all(Array.from({ length: 20 }, () => begin(s.port, upgrade)));
		const answers = sockets.map((c) => new Promise((resolve) => c.once("data", resolve).once("error", resolve).once("end", resolve)));
		await seen(s);
		process.kill(routerOf(s.pid), "SIGKILL");
		process.kill(s.pid, "SIGCONT");
		for (const answer of await within(Promise.all(answers), "answers")) assert.match(String(answer), /^HTTP\/1.1 101/);
	} finally {
		process.kill(s.pid, "SIGCONT");
		sockets.forEach((c) => c.destroy());
		assert.strictEqual(await s.stop(), 0);
	}
});

test("cluster.worker.disconnect() of an app with setupWorker(): no new clients, the old ones move", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], { ...app, SIOINIT_DRAIN_TIME: "1" });
	let old = [], more = [];
	try {
		old = await connect(io, s.port, 6, { transports: ["websocket"] });
		const pids = await Promise.all(old.map((c) => call(c, "pid")));
		await call(old[0], "retire");
		await until(async () => s.log.includes(`-> draining pid=${pids[0]}`), "it is noticed");
		more = await connect(io, s.port, 12, { reconnection: false });
		assert.ok(!(await Promise.all(more.map((c) => call(c, "pid")))).includes(pids[0]));
		assert.ok((await within(call(more[0], "count"), "fetchSockets() does not wait for it", 4000)) >= more.length);
		await until(async () => s.log.includes(`ended pid=${pids[0]}`), "its end");
		await until(async () => s.log.match(/booting -> ready/g).length === 3, "another worker");
		const now = await Promise.all(old.map((c) => until(() => c.timeout(1000).emitWithAck("pid"), "a moved client")));
		assert.ok(!now.includes(pids[0]));
	} finally {
		[...old, ...more].forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
});

// Node that has read the beginning of a message when it is to disconnect never does.
test("cluster.worker.disconnect() between large broadcasts", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], { ...app, SIOINIT_DRAIN_TIME: "1" });
	let sockets = [], over = false;
	try {
		sockets = await connect(io, s.port, 6, { transports: ["websocket"] });
		const pids = await Promise.all(sockets.map((c) => call(c, "pid")));
		const talkers = sockets.filter((_, i) => pids[i] !== pids[0]);
		const talk = Promise.all(talkers.map(async (c) => {
			for (; !over; await collect(c, "all", 1)) c.emit("all", Buffer.alloc(2e5));
		}));
		await collect(sockets[0], "all", 5);
		sockets[0].emit("retire", () => {}); // the answer may end with the socket
		await until(async () => s.log.includes(`ended pid=${pids[0]}`), "its end").finally(() => (over = true));
		await talk;
	} finally {
		sockets.forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
});

test("cluster.worker.disconnect() of an app that listens: no new clients, the old ones stay until they leave", { timeout: 60000 }, async () => {
	const s = await start(["worker.js"], { SIOINIT_WORKERS: "2" });
	let old = [], more = [];
	try {
		old = await connect(io, s.port, 4, { transports: ["websocket"], reconnection: false });
		const pids = await Promise.all(old.map((c) => call(c, "pid")));
		await call(old[0], "retire");
		await until(async () => s.log.includes(`-> draining pid=${pids[0]}`), "it is noticed");
		more = await connect(io, s.port, 12, { reconnection: false });
		assert.ok(!(await Promise.all(more.map((c) => call(c, "pid")))).includes(pids[0]));
		assert.deepStrictEqual(await Promise.all(old.map((c) => call(c, "pid"))), pids);
		old.forEach((c) => c.close());
		await until(async () => s.log.includes(`ended pid=${pids[0]}`), "its end");
		await until(async () => s.log.match(/booting -> ready/g).length === 3, "another worker");
	} finally {
		[...old, ...more].forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
});
