// What is asked of every framework's app. It answers GET /pid with the worker's process id, the event "pid" with the same, and sends
// what comes as "all" to everybody.
const assert = require("node:assert");
const http = require("http");
const { spawn } = require("child_process");
const { once } = require("events");
const io = require("../e2e/node_modules/socket.io-client");

const within = (promise, what, ms = 8000) => {
	let timer;
	const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms)));
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

async function pidOf(host) {
	const { status, body } = await host.get("/pid");
	assert.strictEqual(status, 200, `GET /pid: ${status} ${body.slice(0, 80)}`);
	return Number(JSON.parse(body));
}

const polling = "/socket.io/?EIO=4&transport=polling";

// A session of Engine.IO without a client library, so that each of its requests has a connection of its own.
async function pollingSession(host) {
	const ask = async (path, options) => {
		const { status, body } = await host.get(path, options);
		assert.strictEqual(status, 200, `${status} ${body.slice(0, 80)}`);
		return body;
	};
	const { sid } = JSON.parse((await ask(polling)).slice(1));
	const session = `${polling}&sid=${sid}`;
	const say = (body) => ask(session, { method: "POST", body, headers: { "Content-Type": "text/plain;charset=UTF-8" } });
	const hear = async (pattern) => {
		for (let i = 0; i < 10; i++) {
			const found = (await ask(session)).match(pattern);
			if (found) return found[1];
		}
		throw new Error(`no ${pattern}`);
	};
	await say("40");
	await hear(/(40\{)/);
	const pids = new Set();
	for (let i = 0; i < 10; i++) {
		await say(`42${i}["pid"]`);
		pids.add(await hear(new RegExp(`43${i}\\[(\\d+)\\]`)));
	}
	await say("41");
	assert.strictEqual(pids.size, 1, "a session stays at its worker");
}

async function connect(host, transports) {
	const socket = io(`http://127.0.0.1:${host.port}`, { transports, forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 500 });
	const failed = new Promise((_, reject) => socket.once("connect_error", (err) => reject(new Error(`${transports}: ${err.message} ${err.description?.message ?? err.description ?? ""}`))));
	await within(Promise.race([once(socket, "connect"), failed]), `${transports}`);
	if (transports.length > 1) await within(new Promise((resolve) => socket.io.engine.transport.name === "websocket" ? resolve() : socket.io.engine.once("upgrade", resolve)), "upgrade");
	return socket;
}

const call = (socket, event, ms) => within(new Promise((resolve) => socket.emit(event, resolve)), event, ms);

const pidsOf = (sockets) => Promise.all(sockets.map((socket) => call(socket, "pid")));

async function clients(host, transports, n = 6) {
	const sockets = [];
	for (let i = 0; transports.length && i < n; i++) sockets.push(await connect(host, transports[i % transports.length]));
	return sockets;
}

async function broadcast(sockets, text) {
	if (!sockets.length) return;
	const heard = sockets.map((socket) => new Promise((resolve) => socket.on("all", (got) => got === text && resolve())));
	sockets[0].emit("all", text);
	await within(Promise.all(heard), `broadcast to ${sockets.length} clients`);
	sockets.forEach((socket) => socket.off("all"));
}

// GET after GET, each lane with one connection for all or one for each.
function load(host, lanes) {
	const result = { answered: 0, failures: [] };
	let going = true;
	const lane = async (agent) => {
		while (going) {
			try {
				const { status } = await host.get("/pid", { agent, timeout: 15000 });
				if (status === 200) result.answered++;
				else result.failures.push(status);
			} catch (err) {
				result.failures.push(err.code ?? err.message);
			}
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		agent?.destroy?.();
	};
	const all = Promise.all(Array.from({ length: lanes }, (_, i) => lane(i % 2 ? new http.Agent({ keepAlive: true, maxSockets: 1 }) : false)));
	return { async end() {
		going = false;
		await all;
		return result;
	} };
}

async function reload(host, sockets, before) {
	const requests = load(host, 4);
	host.signal("SIGHUP");
	try {
		await host.says(/reload done/, 60000);
	} finally {
		const { answered, failures } = await requests.end();
		host.out += `\ncheck: ${answered} requests answered during the reload, ${failures.length} failed ${failures}\n`;
		assert.deepStrictEqual(failures, [], "requests that failed during the reload");
	}
	const moved = async (socket) => socket.connected && !before.includes(await call(socket, "pid", 1000));
	await host.until(async () => (await Promise.all(sockets.map(moved))).every(Boolean), "all clients at new workers");
}

// transports: what the server speaks, none if it is no Socket.IO server. across: a broadcast reaches the clients of all workers.
// stop: seconds. A case's `seconds` bounds the whole.
async function checkFramework(host, { across = true, transports = [["polling"], ["websocket"], ["polling", "websocket"]], stop = 12 } = {}) {
	await host.until(() => pidOf(host), "an answer to /pid", 60000);
	const answered = new Set();
	await host.until(async () => {
		for (const pid of await Promise.all([1, 2, 3, 4].map(() => pidOf(host)))) answered.add(pid);
		return answered.size === host.workers;
	}, "answers of all workers", 30000);
	if (transports.some(([first]) => first === "polling")) {
		await host.until(async () => (await host.get(polling)).status === 200, "Socket.IO");
		await pollingSession(host);
	}
	const sockets = await clients(host, transports);
	try {
		const pids = await pidsOf(sockets);
		if (sockets.length) assert.strictEqual(new Set(pids).size, host.workers, "all workers have clients");
		if (across) await broadcast(sockets, "hello");
		if (host.name === "sioinit") await reload(host, sockets, pids);
		if (across) await broadcast(sockets, "hello again");
		const begin = Date.now();
		const code = await within(host.stop(), "the stop", stop * 1000);
		host.out += `\ncheck: stopped with ${code} after ${Date.now() - begin} ms\n`;
		if (host.name === "sioinit") assert.strictEqual(code, 0, "exit code");
	} finally {
		sockets.forEach((socket) => socket.close());
	}
}

// A Redis for one run of a case, which ends with it
function redis({ dir, other }) {
	spawn("redis-server", ["--port", other, "--bind", "127.0.0.1", "--save", ""], { cwd: dir, env: { ...process.env, COMPAT_RUN: dir }, stdio: "ignore" });
	return `redis://127.0.0.1:${other}/0`;
}

module.exports = { checkFramework, redis };
