// SIOINIT_PEERS: several containers of one app whose broadcasts end at each of them, which is said. DNS is a server of the
// test's own, that resolv.conf of a mount namespace names; 192.0.2.1 (RFC 5737) is another container, as nothing here has it.
const test = require("node:test");
const assert = require("node:assert");
const dgram = require("dgram");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { once } = require("events");
const { spawn, spawnSync } = require("child_process");
const { io } = require("socket.io-client");
const { start, get, until, works, children } = require("./harness");

const bin = process.env.BIN_UNDER_TEST;
const skip = spawnSync("unshare", ["--mount", "true"]).status !== 0 && "no mount namespaces here";
const OURS = "127.0.0.1", OTHER = "192.0.2.1";
const WARNING = /level=warn component=peers msg="peers: this is not the only one of/g;

// Answers with .addresses for `chat-pods.shop.svc`, TTL 1 s; there is no other name.
async function startDns() {
	const socket = dgram.createSocket("udp4");
	const self = { address: `127.${53 + (process.pid & 127)}.${(process.pid >> 7) & 255}.53`, addresses: [], asked: 0, close: () => socket.close() };

	socket.on("message", (query, from) => {
		const labels = [];
		let at = 12;
		for (; query[at]; at += 1 + query[at]) labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
		const isKnown = labels.join(".") === "chat-pods.shop.svc" && self.addresses.length > 0;
		const records = isKnown && query.readUInt16BE(at + 1) === 1 ? self.addresses : [];
		const head = Buffer.alloc(12);
		query.copy(head, 0, 0, 2);
		head.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2); // no such name
		head.writeUInt16BE(1, 4);
		head.writeUInt16BE(records.length, 6);
		const rows = records.map((a) => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...a.split(".").map(Number)]));
		self.asked += records.length > 0;
		socket.send(Buffer.concat([head, query.subarray(12, at + 5), ...rows]), from.port, from.address);
	});
	socket.bind(53, self.address);
	await once(socket, "listening");
	return self;
}

async function startWith(dns, dir, args, env) {
	const conf = path.join(dir, "resolv.conf");
	fs.writeFileSync(conf, `nameserver ${dns.address}\nsearch shop.svc svc\noptions ndots:5\n`);
	process.env.BIN_UNDER_TEST = "unshare";
	try {
		return await start(["--mount", "sh", "-c", `mount --bind ${conf} /etc/resolv.conf && exec "$0" "$@"`, bin, ...args], {
			SIOINIT_PEERS: "chat-pods", SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.2", SIOINIT_ADMIN_SOCKET: path.join(dir, "admin"), ...env,
		});
	} finally {
		process.env.BIN_UNDER_TEST = bin;
	}
}

const asker = (h) => children(h.pid).find((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sioinit: peers"));

test("cluster-adapter and another one that stays: said once, by a process that has no rights and ends", { skip, timeout: 60000 }, async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const dns = await startDns();
	const asked = (n) => until(() => dns.asked >= n, `question ${n}`);
	dns.addresses = [OURS, OTHER]; // one that is being replaced: the new one is ready, the old one not yet gone
	const h = await startWith(dns, dir, ["sticky.js"]);
	try {
		await asked(3);
		const status = fs.readFileSync(`/proc/${asker(h)}/status`, "utf8");
		assert.match(status, /^CapEff:\t0+$/m);
		assert.match(status, /^Seccomp:\t2$/m);
		dns.addresses = [OURS];
		const alone = dns.asked;
		await asked(alone + 1);
		assert.doesNotMatch(h.log, WARNING);

		dns.addresses = [OTHER, OURS];
		const before = dns.asked;
		await until(() => h.log.match(WARNING), "the warning");
		assert.ok(dns.asked >= before + 12, `after ${dns.asked - before} answers`);
		assert.match(h.log, /SIOINIT_PEERS=\\"chat-pods\\" \(192\.0\.2\.1 is another\).* @socket\.io\/redis-adapter or @socket\.io\/redis-streams-adapter/);
		await until(() => !asker(h), "its end");
		assert.strictEqual(h.log.match(WARNING).length, 1);
	} finally {
		const code = await h.stop();
		dns.close();
		fs.rmSync(dir, { recursive: true });
		assert.strictEqual(code, 0, h.log);
	}
});

test("no such name: said; it does not hold up the end", { skip, timeout: 30000 }, async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const dns = await startDns();
	const h = await startWith(dns, dir, ["sticky.js"]);
	await until(() => /level=info .*SIOINIT_PEERS=\\"chat-pods\\": Unknown host; asked again/.test(h.log), "the line");
	assert.ok(asker(h), "it asks again");
	assert.strictEqual(await h.stop(), 0, h.log);
	dns.close();
	fs.rmSync(dir, { recursive: true });
});

const noRedis = !works("redis-cli", "--version") && "no redis-tools here";

test("an adapter that reaches all of them: nobody asks", { skip: skip || noRedis, timeout: 30000 }, async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const dns = await startDns();
	dns.addresses = [OURS, OTHER];
	const socket = path.join(dir, "redis.sock");
	const redis = spawn("redis-check-rdb", ["--port", "0", "--unixsocket", socket, "--dir", dir, "--save", ""], { stdio: "ignore", argv0: "redis-server" });
	await until(() => fs.existsSync(socket), "redis-server");
	const h = await startWith(dns, dir, ["redis-worker.js"], { ADAPTER: "classic", REDIS: socket, HOST: "a" });
	const clients = [1, 2].map(() => io(`http://127.0.0.1:${h.port}`, { transports: ["websocket"], forceNew: true }));
	try {
		await Promise.all(clients.map((c) => once(c, "connect")));
		const heard = clients.map((c) => once(c, "said"));
		clients[0].emit("say", "hello");
		await Promise.all(heard);
		const uptime = async () => JSON.parse((await get(h.admin, "/status")).body).uptime_s;
		const now = await uptime();
		await until(async () => (await uptime()) > now + 2.5, "two looks at the relay");
		assert.strictEqual(dns.asked, 0);
		assert.strictEqual(asker(h), undefined);
	} finally {
		for (const c of clients) c.close();
		const code = await h.stop();
		redis.kill();
		await once(redis, "exit");
		dns.close();
		fs.rmSync(dir, { recursive: true });
		assert.strictEqual(code, 0, h.log);
	}
});
