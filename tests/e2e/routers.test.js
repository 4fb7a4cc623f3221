// Several routers: one port, one session table, one view of the load, and each may be killed.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const http = require("http");
const net = require("net");
const { spawn } = require("child_process");
const { io } = require("socket.io-client");
const { start, run, get, until, freePort, children, routersOf: routersOfPid } = require("./harness");
const { connect, call, collect, taught, within } = require("./exercise");

const ROUTERS = 3;
const app = { SIOINIT_WORKERS: "4", SIOINIT_ROUTERS: String(ROUTERS), STICKY: "@socket.io/sticky", ADAPTER: "@socket.io/cluster-adapter" };
const polling = "/socket.io/?EIO=4&transport=polling";

const sidOf = (answer) => JSON.parse(String(answer.body).slice(1)).sid;
const routersOf = (s) => routersOfPid(s.pid);
const allRouters = (s) => until(async () => {
	const pids = routersOf(s);
	return pids.length === ROUTERS && pids;
}, "all routers");
const metric = async (s, name) => Number(String((await get(s.admin, "/metrics")).body).match(new RegExp(`^sioinit_${name} (.*)$`, "m"))[1]);

// The sockets of a process, by inode.
function socketsOf(pid) {
	const link = (fd) => {
		try {
			return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
		} catch {
			return ""; // closed since
		}
	};
	return new Set(fs.readdirSync(`/proc/${pid}/fd`).map(link).map((l) => /^socket:\[(\d+)\]$/.exec(l)?.[1]));
}

// proc_net_tcp(5): the server's ends of the connections to a port, established ones only.
const hex = (port) => port.toString(16).toUpperCase().padStart(4, "0");
function connectionsAt(port) {
	const rows = ["tcp", "tcp6"].flatMap((f) => fs.readFileSync(`/proc/net/${f}`, "utf8").split("\n")).map((l) => l.trim().split(/\s+/));
	return rows.filter((r) => r[1]?.endsWith(`:${hex(port)}`) && r[3] === "01").map((r) => ({ from: r[2], inode: r[9] }));
}
const inodeOf = (serverPort, clientPort) => connectionsAt(serverPort).find((c) => c.from.endsWith(`:${hex(clientPort)}`))?.inode;

// The clients' connections of parked polls, which init has, too: the routers that hold each, by inode.
function parkedPolls(s) {
	const init = socketsOf(s.pid), routers = routersOf(s).map((pid) => [pid, socketsOf(pid)]);
	const parked = connectionsAt(s.port).filter((c) => init.has(c.inode));
	return new Map(parked.map(({ inode }) => [inode, routers.filter(([, sockets]) => sockets.has(inode)).map(([pid]) => pid)]));
}

// A router is killed; its successor, when it is there.
async function replaceRouter(s, victim) {
	const others = (await allRouters(s)).filter((pid) => pid !== victim);
	process.kill(victim, "SIGKILL");
	return until(async () => (await allRouters(s)).find((pid) => pid !== victim && !others.includes(pid)), "the next router");
}

// A keep-alive connection: fetch() sends one request after the other.
function connection(s, where = {}) {
	const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
	const self = { close: () => agent.destroy() };
	self.fetch = (path, options = {}) => get(s.port, path, { agent, ...where, ...options });
	agent.on("free", (socket) => Object.assign(self, { socket, port: socket.localPort }));
	self.router = () => routersOf(s).find((pid) => socketsOf(pid).has(inodeOf(s.port, self.port)));
	return self;
}

// Connections, at least n, of which every router has one.
async function connections(s, n) {
	const all = [], holders = new Set();
	while (all.length < n || holders.size < ROUTERS) {
		const c = connection(s);
		all.push(c);
		assert.strictEqual((await c.fetch(polling)).status, 200);
		holders.add(await until(async () => c.router(), "the router of a connection"));
		assert.ok(all.length < 100, `all at ${[...holders]}`);
	}
	return all;
}

async function withApp(env, body) {
	const s = await start(["worker.js"], { ...app, ...env });
	const toClose = [];
	try {
		await body(s, toClose);
	} finally {
		toClose.forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
}

function assertEven(names, groups, slack) {
	const counts = new Map();
	for (const name of names) counts.set(name, (counts.get(name) || 0) + 1);
	const all = [...counts.values()], share = names.length / groups;
	assert.strictEqual(all.length, groups);
	assert.ok(all.every((n) => Math.abs(n - share) <= slack * share), `spread: ${all}`);
}

test("200 polling sessions that change the router with every request: not one 400", { timeout: 60000 }, () => withApp({}, async (s, toClose) => {
	const conns = await connections(s, 4);
	toClose.push(...conns);
	const session = async (i) => {
		let turn = i;
		const next = (path, options) => conns[turn++ % conns.length].fetch(path, options);
		const sid = sidOf(await next(polling));
		const statuses = [];
		for (const body of ["40", "3", "3"]) statuses.push((await next(`${polling}&sid=${sid}`, { method: "POST", body })).status);
		const answer = await next(`${polling}&sid=${sid}`);
		assert.match(String(answer.body), /^40\{"sid":/);
		return [...statuses, answer.status];
	};
	const statuses = await within(Promise.all(Array.from({ length: 200 }, (_, i) => session(i))), "sessions", 40000);
	assert.deepStrictEqual([...new Set(statuses.flat())], [200]);
	assert.strictEqual(await metric(s, 'sid_misses_total{reason="unknown"}'), 0);
	assert.strictEqual(await metric(s, "handshakes_total"), 200 + conns.length);
	assert.strictEqual(await metric(s, "sessions"), 200 + conns.length);
	assert.strictEqual(await metric(s, "http_requests_total"), 200 * 5 + conns.length);
	assert.strictEqual(await metric(s, 'http_responses_total{class="2xx"}'), 200 * 5 + conns.length);
	assert.strictEqual(await metric(s, "connections_total"), conns.length);
}));

test("bursts spread evenly over the workers", { timeout: 60000 }, () => withApp({ SESSION_ID: "slot" }, async (s, toClose) => {
	const answers = await Promise.all(Array.from({ length: 200 }, () => get(s.port, polling)));
	assertEven(answers.map((a) => sidOf(a).split("-")[0]), 4, 0.2);
	const sockets = Array.from({ length: 100 }, () => io(`http://127.0.0.1:${s.port}`, { transports: ["websocket"], forceNew: true, reconnection: false }));
	toClose.push(...sockets);
	assertEven(await Promise.all(sockets.map((c) => call(c, "pid"))), 4, 0.5);
}));

test("one router killed under load: only its own connections end", { timeout: 60000 }, () => withApp({}, async (s, toClose) => {
	await taught(s.port);
	const sockets = await connect(io, s.port, 12, { transports: ["websocket"], reconnection: false });
	toClose.push(...sockets);
	const conns = await connections(s, 6);
	toClose.push(...conns);
	const sids = await Promise.all(Array.from({ length: 50 }, async () => sidOf(await get(s.port, polling))));
	const lost = [];
	sockets.forEach((c, i) => c.on("disconnect", (why) => lost.push(`client ${i}: ${why}`)));
	for (let round = 0; round < ROUTERS; round++) {
		const victim = (await allRouters(s))[0]; // the last one started is the last in the list
		const spared = conns.filter((c) => c.router() !== victim), ports = spared.map((c) => c.port);
		let over = false, asked = 0;
		const load = Promise.all([
			...spared.map(async (c) => {
				for (; !over; asked++) assert.strictEqual((await c.fetch("/socket.io/?EIO=4&transport=polling&sid=unknown")).status, 400);
			}),
			...sockets.map(async (c, i) => {
				for (; !over; asked++) assert.strictEqual(await call(c, "echo", i), i);
			}),
		]);
		load.catch(() => {});
		process.kill(victim, "SIGKILL");
		await until(async () => (await metric(s, "router_starts_total")) === ROUTERS + 1 + round, "another one");
		const before = asked;
		await until(async () => asked > before + 100, "the others serve");
		over = true;
		await load;
		assert.deepStrictEqual(spared.map((c) => c.port), ports, "their connections are the same");
		for (const c of conns.filter((each) => !spared.includes(each))) await until(async () => (await c.fetch(polling)).status === 200, "a new connection");
	}
	const posts = await Promise.all(sids.map((sid) => get(s.port, `${polling}&sid=${sid}`, { method: "POST", body: "40" })));
	assert.deepStrictEqual(posts.map((r) => r.status), sids.map(() => 200));
	assert.deepStrictEqual(lost, []);
}));

test("all routers killed again and again in the middle of their work: the sessions stay", { timeout: 60000 }, () => withApp({}, async (s) => {
	const sids = await Promise.all(Array.from({ length: 50 }, async () => sidOf(await get(s.port, polling))));
	let over = false;
	const load = Promise.all(Array.from({ length: 8 }, async () => {
		while (!over) await get(s.port, polling).catch(() => {});
	}));
	for (let round = 0; round < 9; round++) {
		const starts = await until(() => metric(s, "router_starts_total"), "metrics");
		process.kill((await allRouters(s))[0], "SIGKILL");
		await until(async () => (await metric(s, "router_starts_total")) > starts, "another one");
	}
	over = true;
	await within(load, "the load's end");
	const posts = await Promise.all(sids.map((sid) => until(() => get(s.port, `${polling}&sid=${sid}`, { method: "POST", body: "40" }), "an answer")));
	assert.deepStrictEqual(posts.map((r) => r.status), sids.map(() => 200));
}));

test("hand-offs that the worker gives back are served, whichever router gave them", { timeout: 60000 }, () => withApp({ SIOINIT_WORKERS: "2" }, async (s, toClose) => {
	await taught(s.port);
	const before = await metric(s, "upgrades_total");
	const [caller] = await connect(io, s.port, 1, { transports: ["websocket"], reconnection: false });
	toClose.push(caller);
	const hung = await call(caller, "hang");
	const other = children(s.pid).find((pid) => !routersOf(s).includes(pid) && pid !== hung);
	const sockets = Array.from({ length: 20 }, () => io(`http://127.0.0.1:${s.port}`, { transports: ["websocket"], forceNew: true, reconnection: false }));
	toClose.push(...sockets);
	let served = 0;
	const answers = sockets.map((c) => call(c, "pid").finally(() => served++));
	await until(async () => served >= 5 && (await metric(s, "upgrades_total")) === before + 21, "the other half is served");
	process.kill(hung, "SIGKILL");
	assert.deepStrictEqual([...new Set(await Promise.all(answers))], [other]);
	assert.ok((await metric(s, "handbacks_total")) > 0);
}));

test("max-connections counts the clients of all routers", { timeout: 60000 }, () => withApp({ SIOINIT_MAX_CONNECTIONS: "30" }, async (s, toClose) => {
	let accepted = 0;
	for (let status = 200; status === 200; accepted += status === 200) {
		const c = connection(s);
		toClose.push(c);
		({ status } = await c.fetch(polling));
		assert.ok(status === 200 || status === 503);
	}
	assert.ok(Math.abs(accepted - 30) <= 2, `${accepted} accepted`);
}));

const from = (s, localAddress) => connection(s, { host: "127.0.0.1", localAddress });

// As many connections as an address may have.
async function fill(s, address, toClose) {
	for (const held = []; ; ) {
		const c = from(s, address);
		toClose.push(c);
		const { status } = await c.fetch(polling);
		if (status !== 200) {
			assert.strictEqual(status, 429);
			return held;
		}
		held.push(c);
	}
}

test("max-connections-per-address counts at all routers, but for what a killed one had", { timeout: 60000 }, () => withApp({ SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "12" }, async (s, toClose) => {
	const held = await fill(s, "127.0.0.2", toClose);
	assert.strictEqual(held.length, 12);
	assert.strictEqual((await fill(s, "127.0.0.3", toClose)).length, 12);
	const routers = held.map((c) => c.router());
	assert.ok(new Set(routers).size > 1, "several routers");
	const closed = new Promise((resolve) => held[0].socket.once("close", resolve));
	held[0].close();
	await closed;
	await until(async () => (await fill(s, "127.0.0.2", toClose)).length === 1, "room for one");
	await replaceRouter(s, routers[1]);
	const lost = routers.filter((pid, i) => i > 0 && pid === routers[1]).length;
	const more = await fill(s, "127.0.0.2", toClose);
	assert.ok(more.length === lost || more.length === lost + 1, `${more.length} for ${lost}`); // the one for the first may have been there
}));

test("waiting polls count for their address also when another router goes on with them", { timeout: 60000 }, () => withApp({ SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: "12" }, async (s, toClose) => {
	const held = await fill(s, "127.0.0.2", toClose);
	const sids = await Promise.all(held.map(async (c) => sidOf(await c.fetch(polling))));
	const polls = held.map((c, i) => c.fetch(`${polling}&sid=${sids[i]}`));
	for (const poll of polls) poll.catch(() => {}); // what fails first is told
	const allWait = () => until(async () => {
		const routers = [...parkedPolls(s).values()];
		return routers.length === held.length && routers.every((r) => r.length === 1);
	}, "all polls to wait, each at a router");
	for (let round = 0; round < ROUTERS; round++) {
		await allWait();
		await replaceRouter(s, (await allRouters(s))[0]);
	}
	await allWait();
	assert.strictEqual((await fill(s, "127.0.0.2", toClose)).length, 0);
	const posts = await Promise.all(sids.map((sid) => get(s.port, `${polling}&sid=${sid}`, { method: "POST", body: "40", host: "127.0.0.1" })));
	assert.deepStrictEqual([...new Set(posts.map((r) => r.status))], [200]);
	for (const { status, body } of await within(Promise.all(polls), "answers")) assert.match(`${status} ${body}`, /^200 40/);
}));

test("one connection gets the whole handshake-rate", { timeout: 60000 }, () => withApp({ SIOINIT_HANDSHAKE_RATE: "1", SIOINIT_HANDSHAKE_BURST: "9" }, async (s, toClose) => {
	const c = connection(s), others = Array.from({ length: 12 }, () => connection(s));
	toClose.push(c, ...others);
	const statuses = [];
	for (let i = 0; i < 9; i++) statuses.push((await c.fetch(polling)).status);
	assert.deepStrictEqual([...new Set(statuses)], [200]);
	const late = await Promise.all(others.map((o) => o.fetch(polling)));
	assert.ok(late.filter((r) => r.status === 503).length >= 9, `${late.map((r) => r.status)}`);
}));

// Every poll is at one router; those of a killed one, the very same connections, are then at its successor. No ping is due.
test("each router killed in turn: waiting polls live on, each at one router, and get every broadcast once", { timeout: 120000 }, () => withApp({ PING_MS: "300000" }, async (s, toClose) => {
	const sockets = await connect(io, s.port, 24, { transports: ["polling"], upgrade: false, reconnection: false });
	toClose.push(...sockets);
	const lost = [], got = sockets.map(() => []);
	sockets.forEach((c, i) => c.on("disconnect", (why) => lost.push(`client ${i}: ${why}`)).on("all", (what) => got[i].push(what)));
	const allWait = (why) => until(async () => {
		const polls = parkedPolls(s);
		return polls.size === sockets.length && [...polls.values()].every((holders) => holders.length === 1) && polls;
	}, `all polls to wait, ${why}`).catch((err) => { throw new Error(`${err.message}: ${lost}, ${parkedPolls(s).size} wait`, { cause: err }); });
	const inodesAt = (polls, router) => [...polls].filter(([, holders]) => holders[0] === router).map(([inode]) => inode).sort();
	const said = [];
	for (let round = 0; round < ROUTERS; round++) {
		let polls = await allWait(`round ${round}`), victim = (await allRouters(s))[0];
		const before = inodesAt(polls, victim);
		for (const time of ["once", "twice"]) {
			victim = await replaceRouter(s, victim);
			polls = await allWait(`killed ${time}`);
			assert.deepStrictEqual(inodesAt(polls, victim), before);
		}
		const arrived = Promise.all(sockets.map((c) => collect(c, "all", 1)));
		said.push(`round ${round}`);
		sockets[round].emit("all", said[round]);
		await arrived;
	}
	await Promise.all(sockets.map((c, i) => call(c, "echo", i)));
	assert.deepStrictEqual(got, sockets.map(() => said));
	assert.deepStrictEqual(lost, []);
}));

test("a port in use is said, also when another sioinit has it", { timeout: 60000 }, () => withApp({}, async (s) => {
	const other = await run(["worker.js"], { ...app, SIOINIT_PORT: String(s.port), SIOINIT_ADMIN: "off", SIOINIT_ADMIN_SOCKET: "off" });
	assert.strictEqual(other.code, 78, other.out);
	assert.match(other.out, /SIOINIT_PORT/);
}));

// sd_listen_fds(3)
test("a socket passed by the service manager is shared by all routers", { timeout: 60000 }, async (t) => {
	if (!fs.existsSync("/lib/x86_64-linux-gnu/libsystemd.so.0") && !fs.existsSync("/lib/aarch64-linux-gnu/libsystemd.so.0")) return t.skip("needs libsystemd");
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, resolve));
	const { port } = server.address();
	const admin = await freePort();
	const p = spawn("sh", ["-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec ${process.env.BIN_UNDER_TEST} worker.js`], {
		cwd: `${__dirname}/fixtures`,
		env: { ...process.env, ...app, SIOINIT_PORT: String(port), SIOINIT_ADMIN: String(admin) },
		stdio: ["ignore", "ignore", "ignore", server._handle.fd],
	});
	const ended = new Promise((resolve) => p.on("exit", resolve));
	const s = { pid: p.pid, port, admin };
	try {
		server.close();
		await until(async () => (await get(admin, "/readyz")).status === 200, "ready");
		assert.deepStrictEqual((await Promise.all(Array.from({ length: 50 }, () => get(port, polling)))).map((r) => r.status), Array(50).fill(200));
		process.kill((await allRouters(s))[1], "SIGKILL");
		assert.deepStrictEqual((await Promise.all(Array.from({ length: 50 }, () => until(() => get(port, polling), "an answer")))).map((r) => r.status), Array(50).fill(200));
	} finally {
		p.kill("SIGTERM");
		assert.strictEqual(await ended, 0);
	}
});
