// Who may do what at the admin address: everybody who reaches it reads, who has the token acts, and no page of a stranger's gets in.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const http = require("http");
const net = require("net");
const os = require("os");
const path = require("path");
const { execFileSync, spawn, spawnSync } = require("child_process");
const { start, run, get, until, children, routerOf, freePort, works } = require("./harness");

const TOKEN = "correct-horse-battery";
const bearer = (token) => ({ authorization: `Bearer ${token}` });
const python = ["/usr/bin/python3", "python3"].find((file) => works(file, "-c", "import socket"));
const isRoot = process.getuid() === 0;

async function using(env, body, file = "supervised.js") {
	const s = await start([file], { SIOINIT_WORKERS: "1", SIOINIT_DRAIN_TIME: "0.1", ...env });
	try {
		await body(s);
	} catch (err) {
		err.message += `\n${s.log}`;
		throw err;
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

const ask = (s, url, headers = {}, method = "GET") => get(s.admin, url, { method, headers });
const post = (s, action, token, headers = {}) => ask(s, `/actions/${action}`, { ...(token && bearer(token)), ...headers }, "POST");
const json = async (s, url, token) => JSON.parse((await ask(s, url, token ? bearer(token) : {})).body);
const status = (s) => json(s, "/status");

// The head as it stands, which http.request() would not send
const raw = (port, text) => new Promise((resolve, reject) => {
	const c = net.connect(port, "127.0.0.1", () => c.write(text));
	let got = "";
	c.on("data", (d) => (got += d));
	c.on("end", () => resolve(got));
	c.on("error", reject);
});

class Viewer {
	constructor(s) {
		this.events = [];
		this.opened = new Promise((resolve, reject) => {
			this.request = http.get({ host: "127.0.0.1", port: s.admin, path: "/events", agent: false }, (res) => {
				resolve(res);
				let text = "";
				res.on("data", (d) => {
					const parts = (text += d).split("\n\n");
					text = parts.pop();
					for (const p of parts) this.events.push(p);
				});
				res.on("error", () => {});
				this.ended = new Promise((end) => res.on("close", end));
			});
			this.request.on("error", reject);
		});
		this.opened.catch(() => {});
	}
	statuses() {
		return this.events.filter((e) => e.startsWith("event: status\ndata: ")).map((e) => JSON.parse(e.slice(e.indexOf("{"))));
	}
	close() {
		this.request.destroy();
	}
}

test("without a token set all is readable, nothing can be done and nothing private is shown", () => using({ SIOINIT_ON_END: "true secret-command" }, async (s) => {
	assert.deepStrictEqual(await json(s, "/access"), { token_set: false, authorised: false });
	assert.strictEqual((await post(s, "reload")).status, 403);
	assert.strictEqual((await post(s, "reload", TOKEN)).status, 403);
	assert.deepStrictEqual(await json(s, "/deaths", TOKEN), { deaths: [] });
	const { settings } = await json(s, "/settings");
	const row = (name) => settings.find((x) => x.name === name);
	assert.deepStrictEqual(row("SIOINIT_WORKERS"), { name: "SIOINIT_WORKERS", value: "1", origin: "SIOINIT_WORKERS", hidden: false });
	for (const name of ["SIOINIT_ON_END", "SIOINIT_ADMIN", "SIOINIT_ADMIN_SOCKET", "SIOINIT_ADMIN_TOKEN", "SIOINIT_TRUSTED_PROXIES"])
		assert.deepStrictEqual([row(name).value, row(name).hidden], [null, true], name);
	const table = await ask(s, "/");
	assert.match(String(table.body), /^ *SLOT +PID/m);
	const page = await ask(s, "/", { accept: "text/html,application/xhtml+xml,*/*;q=0.8", "accept-encoding": "gzip, br" });
	assert.deepStrictEqual([page.status, page.headers["content-type"], page.headers["content-encoding"]], [200, "text/html; charset=utf-8", "gzip"]);
	assert.match(page.headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
	for (const [name, value] of Object.entries({ "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer", "cache-control": "no-store", "cross-origin-resource-policy": "same-origin" }))
		assert.strictEqual(page.headers[name], value);
	for (const encoding of [undefined, "br", "gzip;q=0, br", "gzip;q=0.0"])
		assert.strictEqual((await ask(s, "/", { accept: "text/html", ...(encoding && { "accept-encoding": encoding }) })).status, 406, encoding);
	assert.strictEqual((await ask(s, "/", { accept: "text/html;q=0.9", "accept-encoding": "br, gzip;q=0.5" })).status, 200);
	assert.strictEqual((await ask(s, "/status", {}, "POST")).status, 405);
	const wrongMethod = await ask(s, "/actions/reload");
	assert.deepStrictEqual([wrongMethod.status, wrongMethod.headers.allow], [405, "POST"]);
}));

test("no page of a stranger's gets in, whatever it asks for; probes are answered to all", () => using({ SIOINIT_ADMIN_TOKEN: TOKEN, SIOINIT_ADMIN_HOSTS: "admin.example.com" }, async (s) => {
	const own = `127.0.0.1:${s.admin}`;
	const refused = [{ host: `rebound.example:${s.admin}` }, { origin: "http://evil.example" }, { origin: "null" }, { origin: `http://127.0.0.1:${s.port}` }, { "sec-fetch-site": "cross-site" }];
	for (const headers of refused) {
		for (const url of ["/", "/status", "/metrics", "/events", "/access", "/settings", "/deaths"])
			assert.strictEqual((await ask(s, url, { host: own, ...headers, ...bearer(TOKEN) })).status, 403, `${url} ${JSON.stringify(headers)}`);
		assert.strictEqual((await post(s, "drain", TOKEN, { host: own, ...headers })).status, 403);
		for (const url of ["/livez", "/readyz", "/healthz"]) assert.strictEqual((await ask(s, url, { host: own, ...headers })).status, 200);
	}
	assert.match(String((await ask(s, "/status", { host: "rebound.example" })).body), /SIOINIT_ADMIN_HOSTS/);
	for (const headers of [{ host: own, origin: `http://${own}`, "sec-fetch-site": "same-origin" }, { host: "admin.example.com", origin: "https://admin.example.com" }, { host: `localhost:${s.admin}` }])
		assert.strictEqual((await ask(s, "/status", headers)).status, 200, JSON.stringify(headers));
	assert.match(await raw(s.admin, "GET /status HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 /);
	assert.match(await raw(s.admin, "GET /status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"), /^HTTP\/1\.1 4/);
}));

test("who has the token acts, sees settings and last words; the token is in no environment and no answer", () => using({ SIOINIT_ADMIN_TOKEN: TOKEN, SIOINIT_SIDECAR_BESIDE: "sleep 1000", SIOINIT_WORKERS: "2", SIOINIT_MIN_UPTIME: "0", SIOINIT_WORKER_LOGS: "prefix", SIOINIT_ON_END: "true secret-command" }, async (s) => {
	const before = (await status(s)).workers.map((w) => w.pid);
	const newWorkers = (...slots) => until(async () => {
		const now = (await status(s)).workers;
		return slots.every((i) => now[i].state === "ready" && now[i].pid !== before[i]) && now.map((w) => w.pid);
	}, `other workers in ${slots}`);
	const acts = async (action, text) => {
		const r = await post(s, action, TOKEN);
		assert.deepStrictEqual([r.status, JSON.parse(r.body)], [200, { code: 0, text }]);
	};
	assert.deepStrictEqual(await json(s, "/access", TOKEN), { token_set: true, authorised: true });
	await acts("restart/1", "done");
	assert.strictEqual((await newWorkers(1))[0], before[0]);
	await acts("reload", "begun: /status tells how it goes on");
	await newWorkers(0, 1);
	await acts("scale/3", "done");
	await until(async () => (await status(s)).workers.filter((w) => w.state === "ready").length === 3, "three workers");
	await acts("scale/-1", "done");
	assert.strictEqual((await status(s)).workers_wanted, 2);
	await acts("drain", "/readyz says 503; serving goes on");
	await until(async () => (await ask(s, "/readyz")).status === 503, "not ready");
	await acts("drain/off", "ready again");
	await until(async () => (await ask(s, "/readyz")).status === 200, "ready");
	await acts("rebalance", "0 sockets to be closed");
	for (const [action, code] of [["scale/0", 400], ["restart/77", 400], ["stop", 400], ["signal/0/KILL", 400], ["", 400], ["x".repeat(200), 404]])
		assert.strictEqual((await post(s, action, TOKEN)).status, code, action);
	assert.strictEqual((await get(s.admin, "/actions/drain", { method: "POST", headers: { ...bearer(TOKEN), "content-length": 2 }, body: "{}" })).status, 400);
	assert.strictEqual(s.log.match(/init: (restart\/1|reload|scale\/3|scale\/-1|drain|drain\/off|rebalance) by HTTP/g).length, 7);

	const { pid } = JSON.parse((await get(s.port, "/grow?-1")).body);
	const told = await until(async () => (await json(s, "/deaths", TOKEN)).deaths.find((d) => d.pid === pid), "its death");
	assert.deepStrictEqual([told.reason, told.code, told.signal, told.words.some((l) => l.startsWith("RangeError"))], ["exit", 1, null, true]);
	assert.deepStrictEqual((await json(s, "/deaths")).deaths.find((d) => d.pid === pid).words, null);
	const all = (await json(s, "/settings", TOKEN)).settings;
	assert.strictEqual(all.find((x) => x.name === "SIOINIT_ON_END").value, "true secret-command");

	for (const action of ["reload", "scale/9"]) {
		const r = await post(s, action);
		assert.deepStrictEqual([r.status, r.headers["www-authenticate"]], [401, 'Bearer realm="sioinit"']);
	}
	assert.strictEqual((await post(s, "scale/9", `${TOKEN}x`)).status, 401);
	const guesses = await Promise.all(Array.from({ length: 12 }, (_, i) => post(s, "scale/9", `guess-number-${i}`)));
	const codes = new Set(guesses.map((r) => r.status));
	assert.deepStrictEqual([...codes].sort(), [401, 429]);
	await until(async () => (await json(s, "/access", TOKEN)).authorised, "listened to again");
	assert.strictEqual((await status(s)).workers_wanted, 2);
	assert.match(s.log, /level=warn .*a wrong token at the admin address.* id=SIO-540/);

	const answers = await Promise.all(["/", "/status", "/metrics", "/settings", "/deaths", "/access"].map((url) => ask(s, url, bearer(TOKEN))));
	const environments = [s.pid, ...children(s.pid)].map((p) => {
		try {
			return fs.readFileSync(`/proc/${p}/environ`, "latin1") + fs.readFileSync(`/proc/${p}/cmdline`, "latin1");
		} catch {
			return ""; // a router's, for others than root
		}
	});
	for (const text of [...answers.map((r) => String(r.body)), ...environments, s.log, String((await get(s.port, "/env")).body)])
		assert.ok(!text.includes(TOKEN), text);
}));

test("the token's file: read at the start, again by reload; what is wrong with it is said", { timeout: 60000 }, async () => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const file = path.join(folder, "token");
	const refused = async (env, pattern) => {
		const r = await run(["supervised.js"], env);
		assert.strictEqual(r.code, 78, r.out);
		assert.match(r.out, pattern);
		assert.ok(!r.out.includes("too-short"), r.out);
	};
	await refused({ SIOINIT_ADMIN_TOKEN_FILE: file }, /SIOINIT_ADMIN_TOKEN_FILE=.*token.*No such file.* id=SIO-542/);
	fs.writeFileSync(file, "too-short\n");
	await refused({ SIOINIT_ADMIN_TOKEN_FILE: file }, /shorter than 16 characters/);
	await refused({ SIOINIT_ADMIN_TOKEN: "too-short" }, /SIOINIT_ADMIN_TOKEN=.*shorter than 16 characters/);
	await refused({ SIOINIT_ADMIN_TOKEN: TOKEN, SIOINIT_ADMIN_TOKEN_FILE: file }, /both set/);
	const flag = await run(["--admin-token", "too-short", "supervised.js"]);
	assert.match(flag.out, /--admin-token: not on the command line/);
	const check = await run(["check"], { SIOINIT_ADMIN_TOKEN: TOKEN });
	assert.match(check.out, /^SIOINIT_ADMIN_TOKEN=\(hidden\) \(SIOINIT_ADMIN_TOKEN\)$/m);
	assert.ok(!check.out.includes(TOKEN));

	fs.writeFileSync(file, `${TOKEN}\n`);
	await using({ SIOINIT_ADMIN_TOKEN_FILE: file }, async (s) => {
		const known = async (token) => (await json(s, "/access", token)).authorised;
		assert.strictEqual(await known(TOKEN), true);
		fs.writeFileSync(file, "bad\n");
		process.kill(s.pid, "SIGHUP");
		await until(async () => /the token before it counts on.* id=SIO-543/.test(s.log), "the warning");
		assert.strictEqual(await known(TOKEN), true);
		fs.writeFileSync(file, "another-token-of-now");
		await until(async () => (await status(s)).reload?.state !== "booting" && /reload done/.test(s.log), "the reload's end");
		assert.strictEqual((await post(s, "reload", TOKEN)).status, 200);
		await until(() => known("another-token-of-now"), "the new token");
		assert.strictEqual(await known(TOKEN), false);
	});
	fs.rmSync(folder, { recursive: true });
});

test("at a unix socket names mean nothing, and actions want the token", async () => {
	const port = await freePort();
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const socketPath = path.join(folder, "admin");
	const p = spawn(process.env.BIN_UNDER_TEST, ["supervised.js"], { cwd: path.join(__dirname, "fixtures"), stdio: "ignore", env: { ...process.env, SIOINIT_WORKERS: "1", SIOINIT_PORT: port, SIOINIT_ADMIN: socketPath, SIOINIT_ADMIN_TOKEN: TOKEN } });
	const at = (url, headers, method = "GET") => new Promise((resolve, reject) => http.request({ socketPath, path: url, headers, method }, (res) => resolve(res.resume().statusCode)).on("error", reject).end());
	try {
		await until(async () => (await at("/readyz")) === 200, "ready");
		assert.strictEqual(await at("/status", { host: "whatever.example" }), 200);
		assert.strictEqual(await at("/status", { host: "whatever.example", "sec-fetch-site": "cross-site" }), 403);
		assert.strictEqual(await at("/actions/rebalance", { host: "x" }, "POST"), 401);
		assert.strictEqual(await at("/actions/rebalance", { host: "x", ...bearer(TOKEN) }, "POST"), 200);
	} finally {
		const ended = new Promise((resolve) => p.on("exit", resolve));
		p.kill("SIGTERM");
		await ended;
		fs.rmSync(folder, { recursive: true });
	}
});

test("events: at once, each second, for 32 viewers; another router goes on with them, and the stop is seen", { timeout: 60000 }, () => using({ SIOINIT_SHUTDOWN_DELAY: "2" }, async (s) => {
	const first = new Viewer(s);
	const res = await first.opened;
	assert.deepStrictEqual([res.statusCode, res.headers["content-type"]], [200, "text/event-stream"]);
	await until(async () => first.statuses().length >= 3, "three events");
	assert.strictEqual(first.events[0], "retry: 1000");
	const [a, b, c] = first.statuses();
	assert.ok(b.uptime_s - a.uptime_s > 0.5 && c.uptime_s - b.uptime_s < 1.8, `${a.uptime_s} ${b.uptime_s} ${c.uptime_s}`);
	assert.strictEqual(c.clients, 0, "who looks on is no client");

	const others = Array.from({ length: 31 }, () => new Viewer(s));
	for (const v of others) assert.strictEqual((await v.opened).statusCode, 200);
	const full = await ask(s, "/events");
	assert.deepStrictEqual([full.status, String(full.body)], [503, "too many ask at once\n"]);
	const began = others.map((v) => v.statuses().length);
	await until(async () => others.every((v, i) => v.statuses().length > began[i]), "an event for each");
	others.shift().close();
	const next = await until(async () => {
		const v = new Viewer(s);
		return (await v.opened).statusCode === 200 && v;
	}, "a place for another");
	for (const v of [...others, next]) v.close();

	const router = routerOf(s.pid);
	process.kill(router, "SIGKILL");
	await first.ended;
	const again = await until(async () => {
		const v = new Viewer(s);
		return (await v.opened).statusCode === 200 && v;
	}, "the next router");
	await until(async () => again.statuses().length > 1, "events of the next router");
	process.kill(s.pid, "SIGTERM");
	await until(async () => again.statuses().some((e) => e.phase !== "serving"), "the stop in the events");
	await again.ended;
}));

const slow = (s) => {
	const p = spawn(python, ["slow_viewer.py", String(s.admin)], { cwd: path.join(__dirname, "fixtures"), stdio: ["pipe", "pipe", "inherit"] });
	let out = "";
	p.stdout.on("data", (d) => (out += d));
	return {
		read: () => new Promise((resolve) => {
			p.on("close", () => resolve(JSON.parse(out)));
			p.stdin.end("\n");
		}),
	};
};
const large = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`SIOINIT_SIDECAR_NUMBER_${i}`, "sleep 1000"]));

test("a viewer that takes nothing misses events, and is closed in time; nothing piles up for it", { timeout: 90000, skip: !python && "no python3" }, () =>
	Promise.all([
		using({ ...large, SIOINIT_STOP_TIMEOUT: "2" }, async (s) => {
			const viewer = slow(s), watcher = new Viewer(s);
			await until(async () => watcher.statuses().length >= 14, "14 events", 40000);
			const { uptimes, bytes, ended } = await viewer.read();
			const gaps = uptimes.slice(1).map((t, i) => t - uptimes[i]);
			assert.strictEqual(ended, false);
			assert.ok(Math.max(...gaps) > 1.8, `some are missed: ${uptimes}`);
			assert.ok(watcher.statuses().at(-1).uptime_s - uptimes.at(-1) < 2.5, "the last one is of now");
			assert.ok(bytes < 100000, `${bytes} bytes`);
			watcher.close();
		}),
		using({ ...large, SIOINIT_STOP_TIMEOUT: "2", SIOINIT_BODY_TIMEOUT: "1", SIOINIT_LOG_LEVEL: "debug" }, async (s) => {
			const viewer = slow(s);
			await until(async () => /client 127\.0\.0\.1 closed in BEHIND: timeout/.test(s.log), "its end", 40000);
			const { ended } = await viewer.read();
			assert.ok(ended);
		}),
	]));

// A map of the fields that ADMIN_ASK has, as msgpack: type, kind, token, text
function packet(kind, text) {
	const CONTROL_ADMIN_ASK = 21;
	const bytes = Buffer.from(text, "latin1");
	return Buffer.concat([Buffer.from([0x84, 0, CONTROL_ADMIN_ASK, 7, kind, 9, 1, 10, 0xc4, bytes.length]), bytes]).toString("hex");
}

test("a router in somebody else's hands can do nothing without the token", { skip: (!isRoot && "only root can") || (!works("cc", "--version") && "no C compiler") }, (t) => using({ SIOINIT_ADMIN_TOKEN: TOKEN, SIOINIT_WORKERS: "1" }, async (s) => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const speak = path.join(folder, "speak");
	execFileSync("cc", ["-o", speak, path.join(__dirname, "fixtures/speak.c")]);
	const router = routerOf(s.pid);
	const [, fd] = /(?:^|\0)SIOINIT_ROLE_FD=(\d+)/.exec(fs.readFileSync(`/proc/${router}/environ`, "utf8"));
	const says = (...packets) => spawnSync(speak, [String(router), fd, ...packets]).status;
	const without = ["", "guess", TOKEN.slice(1), `${TOKEN}x`].map((token) => packet(3, `${token}\0scale/+1`));
	const code = says(...without, packet(3, `${TOKEN}\0scale/+1`));
	fs.rmSync(folder, { recursive: true });
	if (code === 77) return t.skip("nobody's descriptors can be taken here");
	assert.strictEqual(code, 0);
	await until(async () => (await status(s)).workers_wanted > 1, "what was said with the token");
	assert.strictEqual((await status(s)).workers_wanted, 2, "and no more than that");
	assert.strictEqual(routerOf(s.pid), router);
}));
