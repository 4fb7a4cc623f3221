// Ends, errors and pieces of single sockets at moments that the kernel seldom chooses.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { spawn } = require("child_process");
const harness = require("./harness");
const { start, until, freePort, routerOf } = harness;
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

// The time that the router was running, in ticks
const cpu = (pid) => fs.readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ").slice(11, 13).reduce((sum, n) => sum + Number(n), 0);

test("the pieces of a head are waited for, over TCP and over a unix socket, without work", { timeout: 60000 }, () => {
	const socket = path.join(folder, "public.sock");
	const half = "GET / HTTP/1.1\r\nHo";
	return bytes(async (s, router) => {
		const both = [{ port: s.port }, { path: socket }];
		for (const where of both) {
			const slow = wire(where), leaves = wire(where).send(half);
			for (const byte of get("/")) slow.send(byte);
			assert.strictEqual((await slow.response()).body, "hi\n");
			leaves.socket.end();
			assert.strictEqual(await leaves.end(), "");
			for (const w of [slow, leaves]) w.close();
		}
		const halves = both.flatMap((where) => Array.from({ length: 50 }, () => wire(where).send(half)));
		const late = both.map((where) => wire(where).send(half));
		await wire(s.port).send(`${get("/").trimEnd()}\r\nConnection: close\r\n\r\n`).response(); // it has seen them by now
		const before = cpu(router);
		await new Promise((next) => setTimeout(next, 500));
		assert.ok(cpu(router) - before < 10, "halves of a head cost nothing while they wait");
		for (const w of halves) assert.strictEqual((await w.send("st: x\r\n\r\n").response()).body, "hi\n");
		for (const w of late) assert.strictEqual((await w.response()).status, 408);
		for (const w of [...halves, ...late]) w.close();
	}, { SIOINIT_LISTEN: socket, SIOINIT_HEADER_TIMEOUT: "3" });
});

test("a head may be as large as the setting says, and no larger", { timeout: 60000 }, () =>
	bytes(async (s) => {
		const head = (size) => `GET / HTTP/1.1\r\nHost: x\r\nX-Filler: ${"a".repeat(size)}\r\n\r\n`;
		for (const [size, status] of [[60000, 200], [190000, 200], [250000, 431]]) {
			const w = wire(s.port).send(head(size));
			assert.strictEqual((await w.response()).status, status, `${size} bytes`);
			w.close();
		}
	}, { SIOINIT_MAX_HEAD_BYTES: "200000" }));

const python = ["/usr/bin/python3", "python3"].find((file) => harness.works(file, "--version"));
const systemd = ["x86_64", "aarch64"].some((cpu) => fs.existsSync(`/lib/${cpu}-linux-gnu/libsystemd.so.0`));

for (const [where, args, env] of [["the command line", ["node", "--max-http-header-size=65536", "http.js"], {}], ["NODE_OPTIONS", ["http.js"], { NODE_OPTIONS: "--max-http-header-size=65536" }]])
	test(`a head that Node takes by --max-http-header-size (${where}) gets to it, a larger one is 431`, { timeout: 60000 }, async () => {
		const s = await start(args, { SIOINIT_WORKERS: "1", ...env });
		try {
			const ask = (n) => wire(s.port).send(`GET /length HTTP/1.1\r\nHost: x\r\nCookie: a=${"x".repeat(n)}\r\n\r\n`).response();
			assert.strictEqual((await ask(60000)).status, 200);
			assert.strictEqual((await ask(66000)).status, 431);
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	});

test("half a head is waited for where the kernel calls a socket readable for want of room", { skip: !(python && systemd) && "needs Python and libsystemd", timeout: 60000 }, async () => {
	const [port, admin] = [await freePort(), await freePort()];
	const p = spawn(python, ["small_window.py", process.env.BIN_UNDER_TEST, "bytes.js"], {
		cwd: path.join(__dirname, "fixtures"),
		env: { ...process.env, SIOINIT_PORT: port, SIOINIT_ADMIN: admin, SIOINIT_ROUTERS: "1", SIOINIT_WORKERS: "1", SIOINIT_DISPATCH: "port" },
		stdio: "ignore",
	});
	const ended = new Promise((resolve) => p.on("exit", resolve));
	try {
		await until(async () => (await harness.get(admin, "/readyz")).status === 200, "ready");
		const filler = "X-Filler: 0123456789012345678901234567890123456789012345678901234567\r\n";
		const halves = Array.from({ length: 20 }, () => wire(port).send(`GET / HTTP/1.1\r\n${filler.repeat(9)}`));
		await new Promise((next) => setTimeout(next, 300));
		assert.deepStrictEqual(halves.map((w) => w.ended), Array(20).fill(false));
		for (const w of halves) {
			assert.strictEqual((await w.send("Host: x\r\n\r\n").response()).body, "hi\n");
			w.close();
		}
	} finally {
		p.kill("SIGTERM");
		assert.strictEqual(await ended, 0);
	}
});
