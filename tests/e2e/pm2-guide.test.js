// The three ways of Socket.IO's guide to PM2, started with the words of that guide.
const test = require("node:test");
const assert = require("node:assert");
const path = require("path");
const { io } = require("socket.io-client");
const { start, freePort, until } = require("./harness");

const cwd = path.join(__dirname, "fixtures", "pm2-guide");
const two = { SIOINIT_WORKERS: "2" }; // "max" and 0 are as many as the machine has CPUs
const timeout = 30000;

// Runs body with a sioinit, and with connect(), whose clients are closed at the end.
async function withApp(args, env, body) {
	const s = await start(args, env, cwd);
	const clients = [];
	const connect = (transports, port = s.port) => {
		const c = io(`http://127.0.0.1:${port}`, { transports, forceNew: true, reconnection: false });
		c.pid = new Promise((resolve) => c.on("pid", resolve));
		clients.push(c);
		return new Promise((resolve, reject) => c.on("connect", () => resolve(c)).on("connect_error", reject));
	};
	try {
		await body(s, connect);
	} finally {
		for (const c of clients) c.close();
		assert.strictEqual(await s.stop(), 0, s.log);
	}
}

for (const args of [["start", "ecosystem.config.js"], ["start", "worker.js", "-i", "0"]])
	test(`${args.join(" ")}: the guide's worker, at port 8080 if it is free`, { timeout }, () => withApp(args, {}, async (s, connect) => {
		assert.match(s.log, /PID 1|serving on port/);
		for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
			const { id } = await connect(transports);
			await until(() => s.out.includes(`connect ${id}`), "the worker's line");
		}
	}));

test("sticky sessions and relay: what one says comes to all, at every worker and by every transport", { timeout }, () =>
	withApp(["start", "chat.js", "-i", "0"], two, async (s, connect) => {
		const ways = [["polling"], ["websocket"], ["polling", "websocket"]];
		const clients = await Promise.all([...ways, ...ways, ...ways].map((way) => connect(way)));
		assert.strictEqual(new Set(await Promise.all(clients.map((c) => c.pid))).size, 2, "both workers have some");
		for (const [i, speaker] of clients.entries()) {
			const heard = clients.map((c) => new Promise((resolve) => c.once("said", resolve)));
			speaker.emit("say", `hello ${i}`);
			assert.deepStrictEqual(new Set(await Promise.all(heard)), new Set([`hello ${i}`]));
		}
	}));

test("WebSocket only: no sticky sessions, no adapter", { timeout }, async () => {
	const FIRST_PORT = String(await freePort());
	await withApp(["start", "own-port.js", "-i", "2"], { FIRST_PORT, SIOINIT_PORT: "" }, async (s, connect) => {
		const clients = await Promise.all([...Array(6)].map(() => connect(["websocket"], FIRST_PORT)));
		assert.strictEqual(new Set(await Promise.all(clients.map((c) => c.pid))).size, 2);
	});
});

test("a port for each worker, behind a front of one's own", { timeout }, async () => {
	const first = await freePort();
	await withApp(["start", "own-port.js", "-i", "2"], { FIRST_PORT: String(first), PORT_STEP: "1", SIOINIT_PORT: "" }, async (s, connect) => {
		const pids = [];
		for (const port of [first, first + 1]) {
			const at = await Promise.all([["polling"], ["websocket"], ["polling"]].map((way) => connect(way, port)));
			const those = new Set(await Promise.all(at.map((c) => c.pid)));
			assert.strictEqual(those.size, 1, `port ${port} is one worker's`);
			pids.push(...those);
		}
		assert.notStrictEqual(pids[0], pids[1]);
	});
});
