// Several listen() calls: ports, a unix path, port 0, UDP, and the same place twice.
const test = require("node:test");
const assert = require("node:assert");
const dgram = require("dgram");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const { start, get, until, freePort } = require("./harness");

const readAll = (port) => new Promise((resolve, reject) => {
	let got = "";
	net.connect(port, "127.0.0.1").on("data", (d) => (got += d)).on("end", () => resolve(got)).on("error", reject);
});

const ping = (port) => new Promise((resolve, reject) => {
	const s = dgram.createSocket("udp4");
	const timer = setTimeout(() => s.emit("error", new Error("no answer over UDP")), 5000);
	const end = (settle, value) => {
		clearTimeout(timer);
		s.close();
		settle(value);
	};
	s.on("message", (m) => end(resolve, String(m)));
	s.on("error", (err) => end(reject, err));
	s.send("ping", port, "127.0.0.1");
});

test("an app may listen on whatever it likes", { timeout: 60000 }, async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const [second, udp] = [await freePort(), await freePort()];
	const s = await start(["ports.js"], { SIOINIT_WORKERS: "2", SECOND: second, UDP: udp, SOCKET: `${dir}/app.sock` });
	try {
		const said = await until(async () => {
			const lines = [...s.out.matchAll(/listening any=(\d+) again=(\w+)/g)];
			return lines.length === 2 && lines;
		}, "both workers listening");
		assert.deepStrictEqual(said.map((l) => l[2]), ["EADDRINUSE", "EADDRINUSE"]);
		assert.strictEqual(said[0][1], said[1][1]);
		assert.strictEqual(String((await get(s.port, "/")).body), "app");
		assert.strictEqual(String((await get(second, "/")).body), "second");
		assert.strictEqual(String((await get(undefined, "/", { socketPath: `${dir}/app.sock` })).body), "unix");
		assert.strictEqual(await readAll(Number(said[0][1])), "any");
		assert.strictEqual(await ping(udp), "pong");
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.rmSync(dir, { recursive: true });
	}
});

test("UDP bound before the event loop turns", { timeout: 30000 }, async () => {
	const udp = await freePort();
	const s = await start(["udp.js"], { SIOINIT_WORKERS: "2", UDP: udp });
	try {
		assert.strictEqual(await ping(udp), "pong");
		assert.strictEqual(String((await get(s.port, "/")).body), "app");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});
