// Workers of every kind: with a port or a socket of their own, in other languages and runtimes, behind a shell.
const test = require("node:test");
const assert = require("node:assert");
const { execFileSync } = require("child_process");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const { io } = require("socket.io-client");
const { start, get, until, freePort, works, children, routerOf, routersOf } = require("./harness");
const { exercise, connect, call, collect, within } = require("./exercise");
const { frees, growth, standstill } = require("./backpressure");

const runtimes = path.join(__dirname, "runtimes/node_modules");
const bun = path.join(runtimes, "@oven/bun-linux-x64/bin/bun");
const deno = path.join(runtimes, "@deno/linux-x64-glibc/deno");
const python = ["/usr/bin/python3", "python3"].find((file) => works(file, "-c", "import socketio, uvicorn, websockets, aiohttp"));
const lacks = { bun: !works(bun, "--version") && "no Bun", deno: !works(deno, "--version") && "no Deno", python: !python && "no python-socketio", cc: !works("cc", "--version") && "no C compiler" };
const adapter = { ADAPTER: "@socket.io/cluster-adapter" };
const runDeno = [deno, "run", "-A", "--unstable-detect-cjs", "worker.js"];

async function serving(args, env, use, code = 0) {
	const s = await start(args, { SIOINIT_WORKERS: "2", SIOINIT_LAG_WARN: "0", ...env });
	try {
		await use(s);
	} finally {
		assert.strictEqual(await s.stop(), code);
	}
}

const everything = [
	["Node, a port each", ["worker.js"], { SIOINIT_DISPATCH: "port", ...adapter }],
	["Node, a socket each", ["worker.js"], { SIOINIT_DISPATCH: "unix", ...adapter }],
	["Node behind a shell", ["--", "sh", "-c", "node worker.js; true"], adapter],
	["Node behind a shell, setupWorker()", ["--", "sh", "-c", "exec node worker.js"], { STICKY: "@socket.io/sticky", ...adapter }],
	["Node, unix pairs", ["worker.js"], { SIOINIT_UPSTREAM: "unix", ...adapter }],
	["Node, unix pairs, setupWorker()", ["worker.js"], { SIOINIT_UPSTREAM: "unix", STICKY: "@socket.io/sticky", ...adapter }],
	["Node, unix pairs, setupWorker() 1.0", ["worker.js"], { SIOINIT_UPSTREAM: "unix", SIOINIT_SERIALIZATION: "json", STICKY: "sticky-1" }, false, { across: false }],
	["Deno", ["--", ...runDeno], adapter, lacks.deno],
	["Deno under node:cluster", ["--", ...runDeno], { SIOINIT_DISPATCH: "listen", ...adapter }, lacks.deno],
];
for (const [what, args, env, skip, options] of everything) test(what, { skip, timeout: 60000 }, () => serving(args, env, (s) => exercise(io, s.port, options)));

for (const [upstream, seen] of [["tcp", "127.0.0.1"], ["unix", null]])
	test(`what the app sees of the client, ${upstream}`, { timeout: 30000 }, () =>
		serving(["plain.js"], { SIOINIT_UPSTREAM: upstream }, async (s) => {
			const { forwarded, peer } = JSON.parse((await get(s.port, "/")).body);
			assert.deepStrictEqual([forwarded, peer], ["127.0.0.1", seen]);
		}));

const alone = [
	["Bun", ["--", bun, "worker.js"], {}, lacks.bun],
	["Bun, setupWorker()", ["--", bun, "worker.js"], { STICKY: "@socket.io/sticky" }, lacks.bun],
	["uvicorn on a socket each", ["--", python, "-m", "uvicorn", "server:app", "--uds", "{socket}", "--log-level", "warning"], { SIOINIT_STOP_TIMEOUT: "1" }, lacks.python, 137],
	["uvicorn on a port each", ["--", python, "-m", "uvicorn", "server:app", "--port", "{port}", "--log-level", "warning"], { SIOINIT_STOP_TIMEOUT: "1" }, lacks.python, 137],
];
// python-socketio's background tasks keep uvicorn from ending: 137, with or without sioinit in front
for (const [what, args, env, skip, code] of alone) test(what, { skip, timeout: 60000 }, () => serving(args, env, (s) => exercise(io, s.port, { across: false }), code));

test("Bun relays text between workers", { skip: lacks.bun, timeout: 60000 }, () =>
	serving(["--", bun, "worker.js"], adapter, async (s) => {
		const sockets = await connect(io, s.port, 6);
		try {
			const pids = await Promise.all(sockets.map((c) => call(c, "pid")));
			assert.strictEqual(new Set(pids).size, 2);
			const all = Promise.all(sockets.map((c) => collect(c, "all", 1)));
			sockets[0].emit("all", "to everybody");
			assert.deepStrictEqual(await all, sockets.map(() => [["to everybody"]]));
		} finally {
			sockets.forEach((c) => c.close());
		}
	}));

// its own driver of aiohttp cuts large POSTs short, so no exercise()
test("aiohttp", { skip: lacks.python, timeout: 60000 }, () =>
	serving(["--", python, "server.py"], { SIOINIT_STOP_TIMEOUT: "1" }, async (s) => {
		const sockets = await connect(io, s.port, 6);
		try {
			const pids = await Promise.all(sockets.map((c) => call(c, "pid")));
			assert.strictEqual(new Set(pids).size, 2);
			for (const [i, c] of sockets.entries()) {
				assert.strictEqual(await call(c, "pid"), pids[i]);
				assert.strictEqual(await call(c, "echo", `${i}`), `${i}`);
			}
		} finally {
			sockets.forEach((c) => c.close());
		}
	}, 137));

function upgrade(port) {
	return within(new Promise((resolve, reject) => {
		const c = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => c.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`));
		c.on("error", reject);
		c.once("data", (head) => resolve([c, head.toString()]));
	}), "upgrade");
}

test("a server in C: requests, upgrades, back-pressure, half-closes", { skip: lacks.cc, timeout: 60000 }, async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-e2e-"));
	const server = path.join(dir, "echo");
	execFileSync("cc", ["-o", server, path.join(__dirname, "fixtures/echo.c")]);
	await serving(["--", server], frees, async (s) => {
		const pids = new Set();
		for (let i = 0; i < 4; i++) {
			const [pid, told] = (await get(s.port, "/")).body.toString().split(" ");
			assert.strictEqual(told, "told");
			pids.add(pid);
		}
		assert.strictEqual(pids.size, 2);
		const [c, head] = await upgrade(s.port);
		assert.match(head, /^HTTP\/1\.1 101 .*\r\n(.*\r\n)*Upgrade: websocket\r\n/);
		const sent = Buffer.alloc(100e6, "0123456789"); // more than the kernel takes: tcp_rmem may be 32 MB
		const router = routerOf(s.pid);
		const grown = await growth(router, async () => {
			let written = 0;
			for (let at = 0; at < sent.length; at += 1e5) c.write(sent.subarray(at, at + 1e5), () => (written += 1e5));
			c.end();
			c.pause(); // the buffers on the way fill
			await standstill(s, router, () => written, () => [...pids].flatMap(children));
			const parts = [];
			c.on("data", (bytes) => parts.push(bytes)).resume();
			await within(new Promise((resolve) => c.on("end", resolve)), "end", 30000);
			assert.ok(Buffer.concat(parts).equals(sent));
		});
		assert.ok(grown < sent.length / 10, `the router's buffers are bounded, but it grew by ${grown}`);
	});
	fs.rmSync(dir, { recursive: true });
});

test("a refused upgrade is an answer like any other", { timeout: 30000 }, () =>
	serving(["healthy.js"], { SIOINIT_DISPATCH: "port" }, async (s) => {
		const [c, head] = await upgrade(s.port);
		assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
		c.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"); // routed anew
		await within(new Promise((resolve) => c.once("data", resolve)), "the next answer");
		c.destroy();
	}));

for (const [how, env] of [["unix"], ["port"], ["listen"], ["sticky", { STICKY: "@socket.io/sticky" }]])
	test(`a worker is ready when its health path says so (${how})`, { timeout: 60000 }, async () => {
		const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-e2e-"));
		const file = path.join(dir, "starts");
		await serving(["healthy.js"], { ...env, SIOINIT_DISPATCH: how, SIOINIT_WORKER_HEALTH_PATH: "/well", SIOINIT_READY_TIMEOUT: "4", FILE: file }, async (s) => {
			assert.match(s.log, /not ready in time \(SIOINIT_READY_TIMEOUT\), \/well does not answer 2xx \(SIOINIT_WORKER_HEALTH_PATH\), replaced/);
			assert.ok(fs.readFileSync(file).length >= 4);
			assert.doesNotMatch(s.log, /suspect/);
		});
		fs.rmSync(dir, { recursive: true });
	});

test("a port that is in use is left out", { timeout: 30000 }, async () => {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, resolve));
	const { port } = server.address();
	await serving(["told.js"], { SIOINIT_DISPATCH: "port", SIOINIT_WORKER_PORT: port, WEB_CONCURRENCY: "7" }, async (s) => {
		const ports = new Set();
		for (let i = 0; i < 4; i++) ports.add(JSON.parse((await get(s.port, "/")).body).told.PORT);
		assert.strictEqual(ports.size, 2);
		assert.ok(!ports.has(String(port)));
	});
	server.close();
});

test("reload: tunnels are closed over the drain time, requests are all answered", { timeout: 60000 }, () =>
	serving(["plain.js"], { SIOINIT_DISPATCH: "port", SIOINIT_DRAIN_TIME: "1" }, async (s) => {
		const tunnels = await Promise.all(Array.from({ length: 20 }, () => upgrade(s.port)));
		const ends = Promise.all(tunnels.map(([c]) => new Promise((resolve) => c.on("end", () => resolve(Date.now())))));
		const before = new Set(await Promise.all(Array.from({ length: 8 }, () => get(s.port, "/").then((r) => JSON.parse(r.body).pid))));
		process.kill(s.pid, "SIGHUP");
		let done = false;
		const load = (async () => {
			for (; !done;) assert.strictEqual((await get(s.port, "/")).status, 200);
		})();
		const times = await within(ends, "all tunnels end");
		await until(async () => s.log.includes("reload done"), "reload");
		done = true;
		await load;
		assert.ok(Math.max(...times) - Math.min(...times) > 100, "not all at once");
		assert.ok(!before.has(JSON.parse((await get(s.port, "/")).body).pid));
		tunnels.forEach(([c]) => c.destroy());
	}));

test("a router that is killed takes the tunnels along, but no worker", { timeout: 30000 }, () =>
	serving(["plain.js"], { SIOINIT_DISPATCH: "port" }, async (s) => {
		const { pid } = JSON.parse((await get(s.port, "/")).body);
		const [c] = await upgrade(s.port);
		c.write("hello");
		await within(new Promise((resolve) => c.once("data", resolve)), "echo");
		const ended = new Promise((resolve) => c.on("close", resolve) && c.on("end", () => c.end()));
		routersOf(s.pid).forEach((router) => process.kill(router, "SIGKILL"));
		await within(ended, "the tunnel's end");
		const pids = new Set(await Promise.all(Array.from({ length: 4 }, () => until(() => get(s.port, "/").then((r) => JSON.parse(r.body).pid), "the next router"))));
		assert.ok(pids.has(pid));
	}));
