// Apps that end TLS themselves, and those that speak no HTTP: whole connections, one worker for each client address.
const test = require("node:test");
const assert = require("node:assert");
const http = require("http");
const https = require("https");
const net = require("net");
const tls = require("tls");
const { io } = require("socket.io-client");
const { start, run, get, until, freePort, routerOf } = require("./harness");
const { within } = require("./exercise");
const certificate = require("./certificate");

const { key, cert } = certificate();
const app = { SIOINIT_WORKERS: "3", KEY: key, CERT: cert };
const addresses = Array.from({ length: 8 }, (_, i) => `127.0.0.${2 + i}`);
const helloOfTLS = Buffer.from(`16030100_2f_01_00002b_0303${"_00".repeat(32)}00_0002_00ff_0100_0000`.replaceAll("_", ""), "hex");

function getTLS(port, url = "/", options = {}) {
	return within(new Promise((resolve, reject) => {
		const req = https.request({ host: "127.0.0.1", port, path: url, agent: false, rejectUnauthorized: false, ...options }, (res) => {
			let text = "";
			res.on("data", (d) => (text += d)).on("end", () => resolve({ status: res.statusCode, body: text }));
		});
		req.on("error", reject).end(options.body);
	}), `https ${url}`);
}

// A session by polling, a new connection for each request, as without keep-alive; its sid.
async function poll(port, ask = getTLS, options = {}) {
	const at = "/socket.io/?EIO=4&transport=polling";
	const opened = await ask(port, at, options);
	assert.strictEqual(opened.status, 200, String(opened.body));
	const sid = JSON.parse(String(opened.body).slice(1)).sid;
	const post = await ask(port, `${at}&sid=${sid}`, { method: "POST", body: "40", headers: { "Content-Type": "text/plain" }, ...options });
	assert.strictEqual(post.status, 200, String(post.body));
	const polled = await ask(port, `${at}&sid=${sid}`, options);
	assert.strictEqual(polled.status, 200, String(polled.body));
	assert.match(String(polled.body), /^40/);
	return sid;
}

async function connect(port, localAddress, transports, scheme = "https") {
	const Agent = scheme === "https" ? https.Agent : http.Agent;
	const client = io(`${scheme}://127.0.0.1:${port}`, { transports, forceNew: true, reconnection: false, rejectUnauthorized: false, agent: new Agent({ localAddress, rejectUnauthorized: false }), localAddress });
	client.slot = await within(new Promise((resolve, reject) => client.on("slot", resolve).on("connect_error", reject)), `${transports} from ${localAddress}`);
	return client;
}

// Bytes to a server that is none of HTTP; what it has said when it has ended.
function say(port, bytes, options = {}) {
	return within(new Promise((resolve, reject) => {
		let got = "";
		const c = net.connect({ host: "127.0.0.1", port, ...options }, () => (bytes === undefined ? undefined : c.end(bytes)));
		c.on("data", (d) => {
			got += d.toString("latin1");
			if (bytes === undefined) c.end();
		}).on("error", reject).on("close", () => resolve(got));
	}), "answer");
}

const lines = (s, pattern) => s.log.split("\n").filter((l) => pattern.test(l));

test("an app with https: an address keeps its worker", { timeout: 60000 }, async () => {
	const s = await start(["tls.js"], app);
	const clients = [];
	try {
		for (const localAddress of addresses) {
			for (let i = 0; i < 2; i++) await poll(s.port, getTLS, { localAddress });
			const { slot, peer, encrypted } = JSON.parse((await getTLS(s.port, "/", { localAddress })).body);
			assert.strictEqual(peer.replace("::ffff:", ""), localAddress);
			assert.ok(encrypted);
			for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
				clients.push(await connect(s.port, localAddress, transports));
				assert.strictEqual(clients.at(-1).slot, slot, `${transports} from ${localAddress}`);
			}
		}
		assert.ok(new Set(clients.map(({ slot }) => slot)).size > 1, "all at one worker");
		const router = routerOf(s.pid);
		process.kill(router, "SIGKILL");
		await until(() => routerOf(s.pid) && routerOf(s.pid) !== router && getTLS(s.port).then((r) => r.status === 200), "a new router");
		for (const c of clients.filter((c) => c.io.opts.transports[0] === "websocket"))
			assert.strictEqual(await within(new Promise((r) => c.emit("echo", "on", r)), "echo"), "on");
		assert.strictEqual(lines(s, /TLS/).length, 0, s.log);
	} finally {
		clients.forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
});

test("https and setupWorker()", { timeout: 60000 }, async () => {
	for (const more of [{ ADAPTER: "@socket.io/cluster-adapter" }, {}]) {
		const s = await start(["tls.js"], { ...app, SIOINIT_WORKERS: "2", STICKY: "@socket.io/sticky", ...more });
		try {
			for (const localAddress of addresses) await poll(s.port, getTLS, { localAddress });
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	}
});

test("TLS to an app without: a 400, and one line", { timeout: 30000 }, async () => {
	const port = await freePort();
	const s = await start(["tls.js"], { ...app, SIOINIT_WORKERS: "2", SIOINIT_PORT: port, PLAIN: port, SECURE: await freePort() });
	try {
		for (const localAddress of addresses) assert.match(await say(port, helloOfTLS, { localAddress }), /^HTTP\/1\.1 400 /);
		await assert.rejects(getTLS(port), /SSL|EPROTO/);
		assert.match(await say(port, "\0\0\0\x08"), /^HTTP\/1\.1 400 /);
		assert.match(await say(port, " GET / HTTP/1.1\r\nHost: x\r\n\r\n"), /^HTTP\/1\.1 400 /);
		assert.strictEqual(lines(s, /speaks TLS/).length, 1, s.log);
		assert.match(s.log, /127\.0\.0\.\d speaks TLS, .*https\.createServer/);
		assert.strictEqual(lines(s, /speaks no HTTP/).length, 1, s.log);
		assert.strictEqual((await get(port, "/")).status, 200);
		const asked = lines({ log: s.out }, /clientError/).length;
		assert.ok(asked >= 1 && asked <= 2, s.out); // each worker once
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("a worker that has answered requests is not asked which protocol it speaks", { timeout: 30000 }, async () => {
	const port = await freePort();
	const s = await start(["tls.js"], { ...app, SIOINIT_WORKERS: "1", SIOINIT_PORT: port, PLAIN: port, SECURE: await freePort() });
	try {
		assert.strictEqual((await get(port, "/")).status, 200);
		assert.match(await say(port, helloOfTLS), /^HTTP\/1\.1 400 /);
		assert.doesNotMatch(s.out, /clientError/);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("https and http at ports of their own: sessions hold at both", { timeout: 60000 }, async () => {
	const [SECURE, port] = [await freePort(), await freePort()];
	const s = await start(["tls.js"], { ...app, SECURE, PLAIN: port, SIOINIT_PORT: port });
	const clients = [];
	try {
		for (const localAddress of addresses) {
			for (let i = 0; i < 2; i++) await poll(SECURE, getTLS, { localAddress });
			await poll(port, get, { localAddress, agent: false });
			clients.push(await connect(SECURE, localAddress, ["polling", "websocket"]));
		}
		assert.ok(new Set(clients.map(({ slot }) => slot)).size > 1, "all at one worker");
	} finally {
		clients.forEach((c) => c.close());
		assert.strictEqual(await s.stop(), 0);
	}
});

test("Socket.IO over http at a second port", { timeout: 60000 }, async () => {
	const PLAIN = await freePort();
	const s = await start(["tls.js"], { ...app, PLAIN });
	try {
		for (const localAddress of addresses) await poll(PLAIN, get, { localAddress, agent: false });
		const at = "/socket.io/?EIO=4&transport=polling";
		const slow = net.connect({ port: PLAIN, host: "127.0.0.1" }, () => slow.write(`GET ${at} HT`));
		await new Promise((r) => setTimeout(r, 300)); // longer than the beginning is waited for
		slow.end("TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
		let got = "";
		await within(new Promise((r) => slow.on("data", (d) => (got += d)).on("close", r)), "answer");
		const { sid } = JSON.parse(got.slice(got.indexOf("0{") + 1, got.lastIndexOf("}") + 1));
		assert.strictEqual((await get(PLAIN, `${at}&sid=${sid}`, { method: "POST", body: "40", agent: false })).status, 200);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("no HTTP at all", { timeout: 30000 }, async () => {
	const SECOND = await freePort();
	const s = await start(["nohttp.js"], { SIOINIT_WORKERS: "3", SECOND });
	try {
		const slots = new Set();
		for (const localAddress of addresses) {
			const answers = new Set();
			for (let i = 0; i < 4; i++) answers.add(await say(s.port, "\0\x01ping", { localAddress }));
			assert.strictEqual(answers.size, 1, [...answers].join());
			assert.match([...answers][0], /^\d:\0\x01ping$/);
			slots.add([...answers][0]);
		}
		assert.ok(slots.size > 1, "all at one worker");
		for (let i = 0; i < 3; i++) assert.match(await say(SECOND), /^220 hello from \d\r\n$/);
		assert.match(await say(SECOND, ""), /^220 hello/); // it has ended its half
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("https where workers listen by themselves", { timeout: 30000 }, async () => {
	const s = await start(["tls.js"], { ...app, SIOINIT_DISPATCH: "port" });
	try {
		for (const localAddress of addresses) await poll(s.port, getTLS, { localAddress });
		const client = await connect(s.port, "127.0.0.2", ["websocket"]);
		assert.strictEqual(await within(new Promise((r) => client.emit("echo", "x".repeat(900000), r)), "echo").then((text) => text.length), 900000);
		client.close();
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("https behind PROXY headers", { timeout: 30000 }, async () => {
	const s = await start(["tls.js"], { ...app, SIOINIT_PROXY_PROTOCOL: "on" });
	const slotOf = (address) => within(new Promise((resolve, reject) => {
		const plain = net.connect({ port: s.port, host: "127.0.0.1" }, () => {
			plain.write(`PROXY TCP4 ${address} 127.0.0.1 1 ${s.port}\r\n`);
			let got = "";
			const c = tls.connect({ socket: plain, rejectUnauthorized: false }, () => c.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
			c.on("data", (d) => (got += d)).on("error", reject).on("end", () => resolve(JSON.parse(got.slice(got.indexOf("{"), got.lastIndexOf("}") + 1)).slot));
		});
	}), "answer");
	try {
		const all = new Set();
		for (let i = 0; i < 8; i++) {
			const slots = new Set([await slotOf(`203.0.113.${i}`), await slotOf(`203.0.113.${i}`), await slotOf(`203.0.113.${i}`)]);
			assert.strictEqual(slots.size, 1);
			all.add([...slots][0]);
		}
		assert.ok(all.size > 1, "all at one worker");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("a health path that only TLS could be asked for is told", { timeout: 60000 }, async () => {
	const port = await freePort();
	const env = { ...app, SIOINIT_WORKERS: "1", SIOINIT_PORT: port, SIOINIT_ADMIN: "off", SIOINIT_WORKER_HEALTH_PATH: "/well", SIOINIT_READY_TIMEOUT: "2" };
	const { code, out } = await run(["tls.js"], env);
	assert.notStrictEqual(code, 0);
	assert.match(out, /worker\[0\] speaks TLS, .*SIOINIT_WORKER_HEALTH_PATH=\/well .*unset/);
});
