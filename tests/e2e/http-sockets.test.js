// Ends, errors and pieces of single sockets at moments that the kernel seldom chooses.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, until, routerOf } = require("./harness");
const { wire } = require("./wire");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
test.after(() => fs.rmSync(folder, { recursive: true }));

const upgrade = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
const get = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

async function serving(args, env, use) {
	const s = await start(args, { SIOINIT_ROUTERS: "1", SIOINIT_WORKERS: "1", ...env });
	const router = routerOf(s.pid);
	try {
		await use(s, router);
		assert.strictEqual(routerOf(s.pid), router, "the router is the same");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

const bytes = (use, env = {}) => serving(["bytes.js"], { SIOINIT_DISPATCH: "port", ...env }, use);

// The pid of the worker once it has read the request
const asked = (s, path) => until(async () => Number(new RegExp(`asked ${path} pid=(\\d+)`).exec(s.out)?.[1]), `${path} to be read`);

// The router finds at once all that happens meanwhile
async function unseen(router, happens) {
	process.kill(router, "SIGSTOP");
	try {
		await happens();
	} finally {
		process.kill(router, "SIGCONT");
	}
}

test("a worker answers and resets: nobody else gets that connection", { timeout: 60000 }, () =>
	bytes(async (s, router) => {
		const w = wire(s.port).send(get("/reset"));
		const worker = await asked(s, "/reset");
		await unseen(router, async () => {
			process.kill(worker, "SIGUSR2");
			await until(async () => s.out.includes("reset\n"), "the reset");
		});
		assert.strictEqual((await w.response()).body, "ok");
		for (const other of [w, wire(s.port)]) {
			assert.strictEqual((await other.send(get("/")).response()).body, "hi\n");
			other.close();
		}
	}));

test("an app refuses an upload and drops the connection: the next one's request is answered", { timeout: 60000 }, () =>
	serving(["http.js"], {}, async (s) => {
		for (let i = 0; i < 60; i++) {
			const upload = wire(s.port).send(`POST /drop HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n${"p".repeat(300000)}`);
			assert.strictEqual((await upload.response()).status, 413);
			upload.close();
			const other = wire(s.port).send(get("/length"));
			assert.strictEqual((await other.response()).status, 200, `after ${i} uploads`);
			other.close();
		}
	}));

// Sockets in the router's epoll set that are none of its descriptors (any more)
function strangers(router) {
	const inode = (fd) => Number(/\[(\d+)\]|$/.exec(fs.readlinkSync(`/proc/${router}/fd/${fd}`, { throwIfNoEntry: false }))[1]);
	const mine = new Set(fs.readdirSync(`/proc/${router}/fd`).map(inode));
	const sets = fs.readdirSync(`/proc/${router}/fdinfo`).map((fd) => fs.readFileSync(`/proc/${router}/fdinfo/${fd}`, "utf8"));
	const waited = sets.flatMap((text) => [...text.matchAll(/^tfd:.* ino:([\da-f]+)/gm)]).map(([, ino]) => parseInt(ino, 16));
	return waited.filter((ino) => !mine.has(ino)).length;
}

test("a worker that refuses a connection and keeps it: the router hears no more of it", { timeout: 60000 }, () =>
	serving(["keeper.js"], {}, async (s, router) => {
		const before = strangers(router);
		for (let i = 0; i < 3; i++) {
			const w = wire(s.port).send(upgrade("/socket.io/?EIO=4&transport=websocket"));
			assert.strictEqual((await w.response()).status, 503);
			w.send("more");
			w.socket.end();
			await w.end();
			await until(async () => strangers(router) === before, "the router to forget it", 10000);
			w.close();
		}
		assert.strictEqual((await wire(s.admin).send(get("/livez")).response()).status, 200);
	}));

test("a process that outlives its worker changes protocols: the client gets through to it", { timeout: 60000 }, () =>
	serving(["--", "./outlived.sh"], { SIOINIT_DISPATCH: "port", SIOINIT_MIN_UPTIME: "0", END: path.join(folder, "end") }, async (s) => {
		const w = wire(s.port).send(upgrade("/late"));
		const server = await asked(s, "/late");
		try {
			fs.writeFileSync(path.join(folder, "end"), "");
			await until(async () => s.log.match(/-> ready/g).length === 2, "the next worker");
			process.kill(server, "SIGUSR2");
			assert.match((await w.take(/^HTTP\/1\.1 101 [^]*?\r\n\r\n/))[0], /upgrade: websocket/i);
			await w.take(/^hello/);
			await w.send("and back").take(/^and back/);
		} finally {
			w.close();
			process.kill(server, "SIGKILL");
		}
	}));

for (const size of [10, 70000, 1 << 20])
	test(`an answer whose head comes in two pieces, the second with ${size} bytes of body`, { timeout: 60000 }, () =>
		bytes(async (s, router) => {
			const w = wire(s.port).send(get("/length?1000000")); // the router reads big pieces from now on
			assert.strictEqual((await w.response()).body.length, 1000000);
			w.send(get(`/split?${size}`));
			const worker = await asked(s, "/split");
			await unseen(router, async () => {
				process.kill(worker, "SIGUSR2");
				await until(async () => s.out.includes("said the rest\n"), "the rest");
			});
			const { status, body } = await w.response();
			assert.deepStrictEqual([status, body.length], [200, size]);
			assert.strictEqual((await w.send(get("/")).response()).body, "hi\n");
			w.close();
		}));
