// More places than the port.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const { io } = require("socket.io-client");
const { start, run, get, freePort } = require("./harness");
const { exercise, within } = require("./exercise");

const hasIPv6 = Object.values(os.networkInterfaces()).flat().some((a) => a.address === "::1");

// An upgrade and an echo; the worker has the client's socket then.
function echo(where) {
	return within(new Promise((resolve, reject) => {
		const c = net.connect(where, () => c.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
		c.on("error", reject);
		let got = "";
		c.on("data", (bytes) => {
			if (!got) c.write("hello");
			got += bytes;
			if (got.endsWith("hello")) resolve(c.destroy());
		});
	}), "echo");
}

test("ports, addresses, a unix socket", { timeout: 30000 }, async () => {
	const [any, v4] = [await freePort(), await freePort()];
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-e2e-"));
	const socketPath = path.join(dir, "public.sock");
	const s = await start(["plain.js"], { SIOINIT_WORKERS: "2", SIOINIT_LISTEN: [any, `127.0.0.1:${v4}`, socketPath].join(), SIOINIT_BACKLOG: "64" });
	try {
		assert.ok(s.log.includes(`serving on port ${s.port}, port ${any}, port ${v4}, ${socketPath}`));
		const places = [{ port: any, host: "127.0.0.1" }, { port: v4, host: "127.0.0.1" }, { path: socketPath, socketPath }];
		for (const { path: unused, ...place } of places) assert.strictEqual((await get(undefined, "/", place)).status, 200, JSON.stringify(place));
		for (const { socketPath: unused, ...place } of places) await echo(place);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
	assert.ok(!fs.existsSync(socketPath));
	fs.rmdirSync(dir);
});

test("IPv6: every port, and an address", { skip: !hasIPv6 && "no IPv6", timeout: 30000 }, async () => {
	const [any, v6] = [await freePort(), await freePort()];
	const s = await start(["plain.js"], { SIOINIT_WORKERS: "2", SIOINIT_LISTEN: `${any},[::1]:${v6}` });
	try {
		for (const port of [any, s.port, v6]) {
			assert.strictEqual((await get(port, "/", { host: "::1" })).status, 200);
			await echo({ port, host: "::1" });
		}
		await assert.rejects(get(v6, "/"), /ECONNREFUSED/);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("Socket.IO at another port", { timeout: 60000 }, async () => {
	const other = await freePort();
	const s = await start(["worker.js"], { SIOINIT_WORKERS: "2", SIOINIT_LISTEN: other, SIOINIT_LAG_WARN: "0", ADAPTER: "@socket.io/cluster-adapter" });
	try {
		await exercise(io, other);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("a place that is taken, and a list that is none", { timeout: 30000 }, async () => {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address();
	const base = { SIOINIT_PORT: String(await freePort()), SIOINIT_ADMIN: "off" };
	const taken = await run(["plain.js"], { ...base, SIOINIT_LISTEN: `127.0.0.1:${port}` });
	assert.strictEqual(taken.code, 78);
	assert.ok(taken.out.includes(`address 127.0.0.1:${port}: Address already in use; choose another with SIOINIT_LISTEN`), taken.out);
	server.close();
	const wrong = await run(["plain.js"], { ...base, SIOINIT_LISTEN: "8081,localhost:80" });
	assert.strictEqual(wrong.code, 78);
	assert.match(wrong.out, /SIOINIT_LISTEN=.*not a list of IP:PORT/);
});
