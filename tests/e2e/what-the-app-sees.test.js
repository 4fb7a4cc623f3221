// Address, port, protocol and host, as the app sees them: as in plain Node, which is asked the same, where the router can show them.
const test = require("node:test");
const assert = require("node:assert");
const http = require("http");
const net = require("net");
const path = require("path");
const { spawn, spawnSync } = require("child_process");
const { start, run, get, until, freePort, children, routerOf } = require("./harness");

const INGRESS = "127.0.0.5";
const CLAIMS = { "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example" };
const lacksNamespaces = spawnSync("unshare", ["-Urn", "true"]).status !== 0 && "no user namespaces here";

// Asks from that address and a port that is told.
function ask(port, url, { from = "127.0.0.9", headers = {}, upgrade = false, host = "127.0.0.1", agent = false } = {}) {
	return new Promise((resolve, reject) => {
		const wanted = upgrade ? { Connection: "Upgrade", Upgrade: "websocket" } : {};
		const req = http.get({ host, port, path: url, localAddress: from, agent, headers: { Host: "app.example", ...wanted, ...headers } });
		const on = (res, socket) => {
			const parts = [];
			const client = { address: socket.localAddress, port: socket.localPort };
			const done = (body) => resolve({ status: res.statusCode, headers: res.headers, client, seen: JSON.parse(res.headers.seen ?? body) });
			if (upgrade) {
				done();
				socket.destroy();
			}
			res.on("data", (d) => parts.push(d));
			res.on("end", () => !upgrade && (res.statusCode === 429 ? resolve({ status: 429 }) : done(Buffer.concat(parts))));
		};
		req.on("response", (res) => on(res, res.socket));
		req.on("upgrade", on);
		req.on("error", reject);
	});
}

// Everything that is the same wherever it runs. The port is that of one of the client's connections.
function told({ seen: { remotePort, ...seen } }, port) {
	assert.ok(remotePort > 0);
	return { ...seen, localPort: seen.localPort === port ? "the public one" : seen.localPort };
}

const questions = [
	...["t0", "t1", "true"].flatMap((trust) => [
		[`a client, trust proxy ${trust}`, `/${trust}`, {}],
		[`an ingress, trust proxy ${trust}`, `/${trust}`, { from: INGRESS, headers: CLAIMS }],
	]),
	["a client of IPv6", "/t0", { from: "::1", host: "::1" }],
	["polling", "/socket.io/?EIO=4&transport=polling", {}],
	["polling by an ingress", "/socket.io/?EIO=4&transport=polling", { from: INGRESS, headers: CLAIMS }],
	["a first WebSocket", "/ws", { upgrade: true }],
	["a WebSocket", "/ws", { upgrade: true }],
	["a WebSocket by an ingress", "/ws", { upgrade: true, from: INGRESS, headers: CLAIMS }],
];

async function interview(port, at) {
	const answers = {};
	for (const [name, url, options] of questions) {
		if (at && options.host) continue; // nobody answers there
		const a = await ask(port, url, options);
		answers[name] = { ...told(a, port), cookie: Boolean(a.headers["set-cookie"]) };
	}
	return answers;
}

// The same app without sioinit, by where it listens.
const native = {};
async function plainNode(AT = "") {
	if (native[AT]) return native[AT];
	const port = await freePort();
	const p = spawn(process.execPath, [path.join(__dirname, "fixtures/seen.js")], { env: { ...process.env, PORT: port, AT } });
	await new Promise((resolve) => p.stdout.once("data", resolve));
	native[AT] = await interview(port, AT);
	p.kill();
	return native[AT];
}

async function serving(env, body) {
	const s = await start(["seen.js"], { SIOINIT_WORKERS: "1", SIOINIT_TRUSTED_PROXIES: INGRESS, ...env });
	try {
		return await body(s);
	} finally {
		assert.strictEqual(await s.stop(), 0, s.log);
	}
}

// Two requests a minute for each client, counted apart; what the limiter finds wrong with the addresses is in the log.
async function limits(s, trust, clients) {
	const url = `/${trust}/limited`;
	for (const options of clients)
		assert.deepStrictEqual([(await ask(s.port, url, options)).status, (await ask(s.port, url, options)).status, (await ask(s.port, url, options)).status], [200, 200, 429]);
	return /ERR_ERL_\w+/.exec(s.log + s.out)?.[0];
}

const upstreamOf = async (s) => JSON.parse((await get(s.admin, "/status")).body).upstream;

for (const STYLE of ["listen", "sticky"])
	test(`native, ${STYLE}: as in plain Node`, { skip: lacksNamespaces }, () =>
		serving({ STYLE, SIOINIT_UPSTREAM: "native" }, async (s) => {
			assert.strictEqual(await upstreamOf(s), "native");
			assert.deepStrictEqual(await interview(s.port), await plainNode());
			assert.strictEqual(await limits(s, "t0", [{ from: "127.0.0.21" }, { from: "127.0.0.22" }]), undefined);
			assert.strictEqual(await limits(s, "t1", [{ from: INGRESS, headers: { "X-Forwarded-For": "203.0.113.7" } }, { from: "127.0.0.23" }]), undefined);
		}));

test("native, at an address of IPv4: as in plain Node", { skip: lacksNamespaces }, () =>
	serving({ AT: "0.0.0.0", SIOINIT_UPSTREAM: "native" }, async (s) => assert.deepStrictEqual(await interview(s.port, "0.0.0.0"), await plainNode("0.0.0.0"))));

// What a proxied request has by tcp and by port: who asked is in X-Forwarded-For, one hop more than in plain Node.
function assertProxied(seen, { trust, client, claims }) {
	const known = claims ? [claims["X-Forwarded-For"], client] : [client];
	assert.deepStrictEqual(seen.forwarded, { "x-forwarded-for": known.join(", "), "x-forwarded-proto": claims ? "https" : "http", "x-forwarded-host": claims ? "shop.example" : "app.example" });
	assert.match(seen.remoteAddress, /^(::ffff:)?127\.0\.0\.1$/);
	assert.match(seen.ip, { t0: /^(::ffff:)?127\.0\.0\.1$/, t1: new RegExp(`^${client}$`), true: new RegExp(`^${known[0]}$`) }[trust]);
	assert.strictEqual(seen.protocol, trust !== "t0" && claims ? "https" : "http");
	assert.strictEqual(seen.host, trust !== "t0" && claims ? "shop.example" : "app.example");
}

for (const env of [{ SIOINIT_UPSTREAM: "tcp" }, { SIOINIT_UPSTREAM: "tcp", STYLE: "sticky" }, { SIOINIT_DISPATCH: "port" }])
	test(`${JSON.stringify(env)}: the client is in X-Forwarded-For`, () =>
		serving(env, async (s) => {
			if (env.SIOINIT_UPSTREAM) assert.strictEqual(await upstreamOf(s), "tcp");
			for (const trust of ["t0", "t1", "true"])
				for (const [client, claims] of [["127.0.0.9"], [INGRESS, CLAIMS]]) {
					const a = await ask(s.port, `/${trust}`, { from: client, headers: claims });
					assertProxied(a.seen, { trust, client, claims });
					assert.strictEqual(Boolean(a.headers["set-cookie"]), trust !== "t0" && Boolean(claims), "secure cookie");
				}
			assert.strictEqual(await limits(s, "t1", [{ from: "127.0.0.21" }, { from: "127.0.0.22" }]), undefined);
		}));

test("a stranger's claims reach no app, and the log says so once", () =>
	serving({}, async (s) => {
		for (let i = 0; i < 2; i++) {
			const { seen } = await ask(s.port, "/true", { headers: CLAIMS });
			assert.deepStrictEqual([seen.ip.replace("::ffff:", ""), seen.protocol, seen.host], ["127.0.0.9", "http", "app.example"]);
		}
		assert.strictEqual(s.log.match(/fields that 127\.0\.0\.9 sends .*SIOINIT_TRUSTED_PROXIES/g).length, 1);
	}));

test("a kept connection to the worker is another client's never", { skip: lacksNamespaces }, () =>
	serving({ SIOINIT_UPSTREAM: "native", SIOINIT_TRUSTED_PROXIES: "" }, async (s) => {
		const agents = [31, 32, 33].map((n) => ({ from: `127.0.0.${n}`, agent: new http.Agent({ keepAlive: true, maxSockets: 1 }) }));
		for (let i = 0; i < 3; i++)
			for (const options of agents) {
				const a = await ask(s.port, "/t0", options);
				assert.strictEqual(a.seen.remoteAddress, `::ffff:${options.from}`);
				assert.strictEqual(a.seen.remotePort, a.client.port);
			}
		agents.forEach(({ agent }) => agent.destroy());
	}));

function named(port, header) {
	return new Promise((resolve, reject) => {
		const c = net.connect(port, "127.0.0.1", () => c.write(`${header}\r\nGET /t0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
		let text = "";
		c.on("data", (d) => (text += d)).on("end", () => resolve(JSON.parse(text.split("\r\n\r\n")[1]))).on("error", reject);
	});
}

test("what is asked while the workers' clients are closed is answered", { skip: lacksNamespaces }, () =>
	serving({ SIOINIT_UPSTREAM: "native", SIOINIT_TRUSTED_PROXIES: "", SIOINIT_DRAIN_TIME: "0.1", GRACEFUL: "1" }, async (s) => {
		const slow = ask(s.port, "/t0/slow");
		await until(() => /slow/.test(s.out), "it has been asked");
		assert.deepStrictEqual([await s.stop(), (await slow).status], [0, 200]);
	}));

test("with a PROXY header it is the client that it names", { skip: lacksNamespaces }, () =>
	serving({ SIOINIT_UPSTREAM: "native", SIOINIT_TRUSTED_PROXIES: "", SIOINIT_PROXY_PROTOCOL: "on" }, async (s) => {
		for (const [header, client] of [["PROXY TCP4 203.0.113.77 198.51.100.1 4321 443", "::ffff:203.0.113.77"], ["PROXY TCP6 2001:db8::7 2001:db8::1 4321 443", "2001:db8::7"]]) {
			const seen = await named(s.port, header);
			assert.deepStrictEqual([seen.remoteAddress, seen.ip, seen.localPort, seen.forwarded], [client, client, s.port, {}]);
		}
	}));

test("the end of the process that makes sockets costs a line, and no request", { skip: lacksNamespaces || (process.getuid() !== 0 && "only root sees it") }, () =>
	serving({ SIOINIT_UPSTREAM: "native", SIOINIT_TRUSTED_PROXIES: "" }, async (s) => {
		const [maker] = children(routerOf(s.pid));
		process.kill(maker, "SIGKILL");
		for (let i = 0; i < 40; i++) assert.strictEqual((await ask(s.port, "/t0", { from: `127.0.1.${i + 1}` })).status, 200);
		const { seen } = await ask(s.port, "/t0");
		assert.deepStrictEqual([seen.remoteAddress, seen.forwarded["x-forwarded-for"]], ["127.0.0.1", "127.0.0.9"]);
		assert.strictEqual(await upstreamOf(s), "tcp");
		assert.strictEqual(s.log.match(/no sockets any more/g).length, 1);
		process.kill(routerOf(s.pid), "SIGKILL");
		await until(async () => (await ask(s.port, "/t0")).seen.remoteAddress === "::ffff:127.0.0.9", "the next router has its own");
	}));

// Where nobody may make namespaces.
const refused = (...args) => ["unshare", ["-Ur", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"', ...args]];

test("where there are no user namespaces: auto says so once and goes on, native ends with 78", { skip: lacksNamespaces }, async () => {
	const bin = process.env.BIN_UNDER_TEST;
	const [program, args] = refused(bin);
	process.env.BIN_UNDER_TEST = program;
	try {
		const s = await start([...args, "seen.js"], { SIOINIT_WORKERS: "1", SIOINIT_ROUTERS: "2", SIOINIT_SANDBOX: "off" });
		assert.strictEqual((await ask(s.port, "/t0")).seen.remoteAddress, "127.0.0.1");
		assert.strictEqual(await upstreamOf(s), "tcp");
		assert.strictEqual(s.log.match(/level=info .*SIOINIT_UPSTREAM=auto: .*user namespaces/g).length, 1, s.log);
		assert.strictEqual(await s.stop(), 0);
		const r = await run([...args, "seen.js"], { SIOINIT_WORKERS: "1", SIOINIT_UPSTREAM: "native", SIOINIT_PORT: await freePort(), SIOINIT_ADMIN: await freePort() });
		assert.strictEqual(r.code, 78, r.out);
		assert.strictEqual(r.out.match(/level=error .*SIOINIT_UPSTREAM=native/g).length, 1, r.out);
	} finally {
		process.env.BIN_UNDER_TEST = bin;
	}
});
