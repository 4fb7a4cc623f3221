// The access log: a line for every request, whatever became of it, and no line in anybody's way.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, get, until, routerOf } = require("./harness");
const { wire } = require("./wire");

const polling = "/socket.io/?EIO=4&transport=polling";

async function using(args, env, body) {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const file = path.join(folder, "access.log");
	const s = await start(args, { SIOINIT_WORKERS: "2", SIOINIT_ACCESS_LOG_FILE: file, ...env });
	const lines = (n) => until(async () => {
		const got = fs.readFileSync(file, "utf8").trim().split("\n");
		return got.length >= n && got;
	}, `${n} lines`);
	try {
		await body(s, lines, file);
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.rmSync(folder, { recursive: true });
	}
}

test("JSON lines say what was asked, answered and why it went where", { timeout: 60000 }, () =>
	using(["worker.js"], { SIOINIT_ACCESS_LOG: "json", SIOINIT_HEADER_TIMEOUT: "0.5", SIOINIT_ROUTERS: "1", SIOINIT_WORKERS: "1" }, async (s, lines) => {
		const { sid } = JSON.parse(String((await get(s.port, polling)).body).slice(1));
		await get(s.port, `${polling}&sid=${sid}`, { method: "POST", body: "40" });
		await get(s.port, `${polling}&sid=nobody`);
		await get(s.port, "/socket.io/socket.io.js");
		await wire(s.port).send("nonsense\r\n\r\n").end();
		await wire(s.port).send("GET / HTTP/1.1\r\n").end();
		const websocket = async () => {
			const w = wire(s.port).send(`GET ${polling.replace("polling", "websocket")} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`);
			await w.take(/^HTTP\/1.1 101/);
			return w;
		};
		const tunnelled = await websocket(), handedOver = await websocket();
		const got = (await lines(7)).map((l) => JSON.parse(l));
		assert.deepStrictEqual(got.map((l) => [l.route, l.status]), [["new session", 200], ["sid", 200], ["unknown sid", 400], ["no sid", 200], ["refused", 400], ["refused", 408], ["upgrade", undefined]]);
		assert.strictEqual(got[0].request, `GET ${polling} HTTP/1.1`);
		assert.strictEqual(got[0].worker, got[1].worker);
		assert.ok(got[0].bytes > 80 && got[1].bytes === 2, "bytes of the body");
		assert.ok(got.every((l) => l.us >= 0 && l.client === "127.0.0.1"));
		tunnelled.close(); // its line comes with its end
		const last = JSON.parse((await lines(8))[7]);
		assert.deepStrictEqual([last.route, last.status], ["new session", 101]);
		handedOver.close();
	}));

test("common lines, of a client that left, too", { timeout: 60000 }, () =>
	using(["http.js"], { SIOINIT_ACCESS_LOG: "common", SIOINIT_WORKERS: "1" }, async (s, lines) => {
		const w = wire({ port: s.port, host: "127.0.0.1" }).send("GET /length HTTP/1.1\r\nHost: x\r\n\r\nGET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
		await w.response();
		await until(async () => String((await get(s.port, "/held")).body) === "1", "the second");
		w.close();
		const got = await until(async () => {
			const all = await lines(3);
			return all.some((l) => l.includes("/hold")) && all;
		}, "its line");
		assert.match(got[0], /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/length HTTP\/1\.1" 200 5$/);
		assert.match(got.find((l) => l.includes("/hold")), / 499 0$/);
	}));

test("every line of a busy time, each whole", { timeout: 60000 }, () =>
	using(["http.js"], { SIOINIT_ACCESS_LOG: "logfmt" }, async (s, lines) => {
		const n = 2000;
		await Promise.all(Array.from({ length: 20 }, async (_, lane) => {
			const w = wire(s.port);
			for (let i = 0; i < n / 20; i++) await w.send(`GET /length?${lane}-${i} HTTP/1.1\r\nHost: x\r\n\r\n`).response();
			w.close();
		}));
		const got = await lines(n);
		for (const line of got) assert.match(line, /^time=\S+Z client="[\d.:]+" request="GET \/length\?\d+-\d+ HTTP\/1\.1" status=200 bytes=5 us=\d+ worker=[01] route="no sid"$/);
		assert.strictEqual(new Set(got.map((l) => /\?(\S+)/.exec(l)[1])).size, n);
	}));

test("a file that cannot be written is said, and the service goes on", { timeout: 60000 }, () =>
	using(["http.js"], { SIOINIT_ACCESS_LOG: "json", SIOINIT_ACCESS_LOG_FILE: "/no/such/folder/log" }, async (s) => {
		assert.strictEqual((await get(s.port, "/length")).status, 200);
		assert.match(s.log, /SIOINIT_ACCESS_LOG_FILE=."\/no\/such\/folder\/log."/);
	}));

for (const routers of ["1", "3"])
	test(`rotated by mv and a signal, or by copytruncate: no line is lost, and no hole is left (${routers} routers)`, { timeout: 60000 }, () =>
		using(["http.js"], { SIOINIT_ACCESS_LOG: "common", SIOINIT_ROUTERS: routers }, async (s, lines, file) => {
			let n = 0;
			const ask = async (many) => {
				for (let i = 0; i < many; i++) await get(s.port, `/length?${n++}`);
			};
			const rotate = async (i, signal) => {
				const opened = s.log.split("access log opened anew").length;
				fs.renameSync(file, `${file}.${i}`);
				await ask(20); // these still belong to the old one
				process.kill(s.pid, signal);
				await until(async () => s.log.split("access log opened anew").length > opened, "another file");
				await ask(20);
			};
			await ask(20);
			await rotate(1, "SIGUSR1");
			await rotate(2, "SIGHUP");
			await until(async () => fs.readFileSync(file, "utf8").trim().split("\n").length >= 20, "the last lines");
			const old = [1, 2].flatMap((i) => fs.readFileSync(`${file}.${i}`, "utf8").trim().split("\n"));
			const all = [...old, ...(await lines(20))].map((l) => Number(/\?(\d+) HTTP\/1\.1" 200 5$/.exec(l)[1]));
			assert.deepStrictEqual(all.sort((a, b) => a - b), Array.from({ length: n }, (_, i) => i));
			fs.truncateSync(file);
			await ask(3);
			await lines(3);
			assert.ok(!fs.readFileSync(file).includes(0));
		}));

test("a path that cannot be opened anew: said once, and the old file goes on; a router that starts has it, too", { timeout: 60000 }, () =>
	using(["http.js"], { SIOINIT_ACCESS_LOG: "common" }, async (s, lines, file) => {
		fs.renameSync(file, `${file}.1`);
		fs.mkdirSync(file);
		process.kill(s.pid, "SIGUSR1");
		await until(async () => /SIOINIT_ACCESS_LOG_FILE=.*Is a directory; the access log goes on in the old file/.test(s.log), "the failure");
		process.kill(routerOf(s.pid), "SIGKILL");
		await until(async () => (await get(s.port, "/length?after")).status === 200, "the next router");
		await until(async () => fs.readFileSync(`${file}.1`, "utf8").includes("?after"), "its line");
	}));
