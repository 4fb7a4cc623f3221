// Several hosts: two sioinit of two workers each, and in the app one of Socket.IO's adapters for a Redis, which is a real one.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { once } = require("events");
const { spawn } = require("child_process");
const { io } = require("socket.io-client");
const { start, run, until, works } = require("./harness");

// Debian's redis-tools has the server under the name of one of its tools; the package of that name would start one, too.
const program = "redis-check-rdb";
const skip = !works("redis-cli", "--version") && "no redis-tools here";

async function startRedis(dir) {
	const socket = path.join(dir, "redis.sock");
	const p = spawn(program, ["--port", "0", "--unixsocket", socket, "--dir", dir, "--save", ""], { stdio: "ignore", argv0: "redis-server" });
	await until(() => fs.existsSync(socket), "redis-server");
	return { p, socket };
}

const startHost = (dir, name, env) =>
	start(["redis-worker.js"], { SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.2", SIOINIT_ADMIN_SOCKET: path.join(dir, name), HOST: name, ...env });

// A client that knows its worker and has its room.
async function connect(port, transport) {
	const c = io(`http://127.0.0.1:${port}`, { transports: [transport], forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200 });
	c.on("worker", (worker) => (c.worker = worker));
	await once(c, "worker");
	return c;
}

// What each of them says comes to all of them, once.
async function assertAllHearAll(clients) {
	for (const [i, speaker] of clients.entries()) {
		const heard = clients.map(() => []);
		const listeners = clients.map((c, n) => (text) => heard[n].push(text));
		clients.forEach((c, n) => c.on("said", listeners[n]));
		speaker.emit("say", `${i}`);
		await until(() => heard.every((h) => h.length), `what ${speaker.worker} says`, 5000);
		assert.deepStrictEqual(heard, clients.map(() => [`${i}`]));
		clients.forEach((c, n) => c.off("said", listeners[n]));
	}
}

async function assertAdapterWorks(clients) {
	await assertAllHearAll(clients);
	for (const c of [clients[0], clients.at(-1)]) {
		assert.strictEqual(await c.timeout(5000).emitWithAck("fetch"), clients.length);
		assert.deepStrictEqual(await c.timeout(8000).emitWithAck("ask"), ["a.0", "a.1", "b.0", "b.1"]);
	}
}

for (const ADAPTER of ["classic", "sharded", "streams"])
	test(`${ADAPTER}: broadcasts, fetchSockets(), serverSideEmit(), and all of that after one host's reload`, { skip, timeout: 60000 }, async () => {
		const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
		const redis = await startRedis(dir);
		const hosts = [], clients = [];
		try {
			const env = { ADAPTER, REDIS: redis.socket };
			for (const name of ["a", "b"]) hosts.push(await startHost(dir, name, env));
			for (const { port } of hosts)
				clients.push(...(await Promise.all(["polling", "websocket", "polling", "websocket"].map((t) => connect(port, t)))));
			assert.strictEqual(new Set(clients.map((c) => c.worker)).size, 4, "each worker has some");
			await assertAdapterWorks(clients);

			const reloaded = await run(["reload"], { SIOINIT_ADMIN_SOCKET: path.join(dir, "a") });
			assert.strictEqual(reloaded.code, 0, reloaded.out);
			await until(() => clients.every((c) => c.connected), "all are back");
			await until(async () => (await clients[4].timeout(5000).emitWithAck("fetch")) === clients.length, "no more sockets than clients");
			await assertAdapterWorks(clients);
		} finally {
			for (const c of clients) c.close();
			const codes = await Promise.all(hosts.map((h) => h.stop()));
			redis.p.kill();
			await once(redis.p, "exit");
			fs.rmSync(dir, { recursive: true });
			assert.deepStrictEqual(codes, hosts.map(() => 0));
		}
	});

// A client whose connection is cut, and what it gets at its next host: whether its session was recovered, and what it has heard.
async function comeBack(from, to) {
	const client = await connect(from.port, "websocket"), other = await connect(from.port, "websocket"), heard = [];
	client.on("said", (text) => heard.push(text));
	const say = async (text, listener) => {
		const said = once(listener, "said");
		other.emit("say", text);
		await said;
	};
	await say("before", client);
	const gone = once(client, "disconnect");
	client.io.uri = `http://127.0.0.1:${to.port}`;
	client.io.reconnectionDelay(300);
	client.io.engine.close();
	await gone;
	await say("meanwhile", other);
	await once(client, "worker");
	for (const c of [client, other]) c.close();
	return { host: client.worker[0], recovered: client.recovered, heard };
}

for (const [ADAPTER, recovered, heard] of [
	["streams", true, ["before", "meanwhile"]],
	["classic", false, ["before"]],
	["cluster", false, ["before"]],
])
	test(`connectionStateRecovery at another host, ${ADAPTER}: ${recovered ? "nothing is missed" : "a new session"}`, { skip, timeout: 30000 }, async () => {
		const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
		const redis = await startRedis(dir);
		const env = { ADAPTER, REDIS: redis.socket, RECOVERY: "1", SIOINIT_WORKERS: "1" };
		const hosts = await Promise.all(["a", "b"].map((name) => startHost(dir, name, env)));
		try {
			assert.deepStrictEqual(await comeBack(...hosts), { host: "b", recovered, heard });
		} finally {
			await Promise.all(hosts.map((h) => h.stop()));
			redis.p.kill();
			await once(redis.p, "exit");
			fs.rmSync(dir, { recursive: true });
		}
	});
