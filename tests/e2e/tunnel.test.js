// Upgraded connections that stay with the router: long streams, ends, and what the router holds for them.
const test = require("node:test");
const assert = require("node:assert");
const { execFileSync } = require("child_process");
const fs = require("fs");
const net = require("net");
const { start, get, until, routerOf } = require("./harness");
const { within } = require("./exercise");
const { frees, growth, resident, standstill } = require("./backpressure");
const { hashOf, send, Hasher, rest } = require("./streams");

const MB = 1e6;
const kinds = ["port", "unix"];

async function serving(dispatch, use) {
	const s = await start(["stream.js"], { SIOINIT_ROUTERS: "1", SIOINIT_WORKERS: "1", SIOINIT_DISPATCH: dispatch, ...frees });
	s.router = routerOf(s.pid);
	try {
		await use(s);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

// Resolves with the socket, whose first bytes are those after the head
function upgrade(port, path) {
	return within(new Promise((resolve, reject) => {
		const c = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => c.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`));
		let seen = Buffer.alloc(0);
		const onData = (bytes) => {
			seen = Buffer.concat([seen, bytes]);
			const end = seen.indexOf("\r\n\r\n");
			if (end < 0) return;
			assert.match(seen.toString("latin1", 0, end), /^HTTP\/1\.1 101 /);
			c.off("data", onData).pause();
			if (seen.length > end + 4) c.unshift(seen.subarray(end + 4));
			resolve(c);
		};
		c.on("error", reject).on("data", onData);
	}), "upgrade");
}

const descriptors = ({ router }) => fs.readdirSync(`/proc/${router}/fd`).map((fd) => fs.readlinkSync(`/proc/${router}/fd/${fd}`));
const pipes = (s) => descriptors(s).filter((name) => name.startsWith("pipe:")).length;

// Sends and reads `bytes` at the same time; checks both
async function bothWays(s, bytes, { client, worker } = {}) {
	const c = await upgrade(s.port, `/both?bytes=${bytes}${worker ? "&slow" : ""}`);
	const hasher = new Hasher(c, { bytes, slow: client });
	await within(send(c, "client", bytes), "sent", 60000);
	c.end();
	assert.strictEqual(await within(hasher.done, "read", 60000), hashOf("worker", bytes));
	assert.strictEqual(await within(rest(c), "end"), hashOf("client", bytes));
}

for (const kind of kinds)
	for (const slow of ["client", "worker"])
		test(`${kind}: 100 MB each way at once, a slow ${slow}`, { timeout: 120000 }, () =>
			serving(kind, async (s) => {
				await bothWays(s, MB, { [slow]: true });
				const grown = await growth(s.router, () => bothWays(s, 100 * MB, { [slow]: true }));
				assert.ok(grown < 4 * MB, `the router's buffers are bounded, but it grew by ${grown}`);
			}));

test("who takes nothing stops who sends, until it takes again", { timeout: 60000 }, () =>
	serving("port", async (s) => {
		const bytes = 100 * MB;
		const c = await upgrade(s.port, "/both?bytes=0");
		const pid = Number((await get(s.port, "/")).body);
		const progress = { sent: 0 };
		const grown = await growth(s.router, async () => {
			process.kill(pid, "SIGSTOP");
			const sent = send(c, "client", bytes, progress).then(() => c.end());
			await standstill(s, s.router, () => progress.sent, () => [pid]);
			assert.ok(progress.sent < bytes / 2, `${progress.sent} bytes are on the way`);
			process.kill(pid, "SIGCONT");
			await within(sent, "sent", 30000);
			assert.strictEqual(await within(rest(c), "end"), hashOf("client", bytes));
		});
		assert.ok(grown < 4 * MB, `the router's buffers are bounded, but it grew by ${grown}`);
	}));

for (const kind of kinds)
	test(`${kind}: who ends first still hears the other`, { timeout: 30000 }, () =>
		serving(kind, async (s) => {
			const first = await upgrade(s.port, `/both?bytes=${5 * MB}`);
			first.end(); // the worker has it all to say
			const hasher = new Hasher(first, { bytes: 5 * MB });
			assert.strictEqual(await within(hasher.done, "read"), hashOf("worker", 5 * MB));
			assert.strictEqual(await within(rest(first), "end"), hashOf("client", 0));
			const second = await upgrade(s.port, "/last");
			assert.strictEqual(await within(rest(second), "the worker's end"), "bye");
			second.end("still here");
			await until(async () => (await get(s.port, "/heard")).body.toString() === "still here$", "the client's words and end");
		}));

test("what a worker said before it died is heard", { timeout: 60000 }, () =>
	serving("port", async (s) => {
		const bytes = 2 * MB;
		const c = await upgrade(s.port, `/die?bytes=${bytes}`);
		const pid = Number((await get(s.port, "/")).body);
		process.kill(s.router, "SIGSTOP"); // so that it hears both at once
		process.kill(pid, "SIGUSR2");
		await until(async () => !fs.existsSync(`/proc/${pid}`), "the worker's end");
		process.kill(s.router, "SIGCONT");
		const hasher = new Hasher(c);
		assert.strictEqual(await within(hasher.done, "read"), hashOf("worker", bytes));
		c.destroy();
	}));

test("idle tunnels hold no pipes and no memory but their sockets'", { timeout: 60000 }, () =>
	serving("port", async (s) => {
		await bothWays(s, 20 * MB);
		const [few, before, held] = [pipes(s), descriptors(s).length, resident(s.router)];
		const idle = await Promise.all(Array.from({ length: 200 }, () => upgrade(s.port, "/last")));
		assert.strictEqual(pipes(s), few);
		assert.strictEqual(descriptors(s).length - before, 2 * idle.length);
		assert.ok((resident(s.router) - held) / idle.length < 8192, "less than 8 kB each");
		await bothWays(s, 20 * MB);
		assert.strictEqual(pipes(s), few);
		idle.forEach((c) => c.destroy());
	}));

test("large pieces pass when no descriptor is left", { timeout: 60000 }, () =>
	serving("port", async (s) => {
		const bytes = 20 * MB;
		const c = await upgrade(s.port, "/both?bytes=0");
		const before = descriptors(s).length;
		const used = new Set(fs.readdirSync(`/proc/${s.router}/fd`).map(Number));
		let free = 0;
		while (used.has(free)) free++;
		execFileSync("prlimit", ["--pid", s.router, `--nofile=${free}:${free}`]);
		await within(send(c, "client", bytes), "sent", 30000);
		assert.strictEqual(descriptors(s).length, before);
		c.end();
		assert.strictEqual(await within(rest(c), "end"), hashOf("client", bytes));
	}));
