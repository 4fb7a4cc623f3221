// What supervision promises: reload without a gap, scaling, hangs, recycling, restarts, graded stops, signals.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const { once } = require("events");
const os = require("os");
const path = require("path");
const { start, run, get, until, freePort, routersOf } = require("./harness");

async function whoAt(port, url = "/") {
	const r = await get(port, url);
	assert.strictEqual(r.status, 200);
	return JSON.parse(r.body);
}
const count = (text, what) => text.split(what).length - 1;

// Every worker that answers, by slot.
async function workers(s, n) {
	const seen = new Map();
	await until(async () => {
		const w = await whoAt(s.port);
		seen.set(w.slot, w.pid);
		return seen.size === n;
	}, `${n} workers`);
	return seen;
}

// Asks without pause until told to stop; returns what failed.
function load(port) {
	const failed = [];
	let going = true;
	const done = (async () => {
		while (going) {
			const r = await get(port, "/").catch((err) => ({ status: err.message }));
			if (r.status !== 200) failed.push(r.status);
		}
	})();
	return async () => {
		going = false;
		await done;
		return failed;
	};
}

function upgraded(port) {
	return new Promise((resolve, reject) => {
		const s = net.connect(port, "127.0.0.1");
		s.on("error", reject);
		s.write("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
		s.once("data", () => resolve(s));
	});
}

test("HUP replaces every worker, and nobody notices", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.5" });
	try {
		const before = await workers(s, 2);
		const stopLoad = load(s.port);
		process.kill(s.pid, "SIGHUP");
		await until(async () => s.log.includes("reload done"), "the reload");
		assert.deepStrictEqual(await stopLoad(), []);
		const after = await workers(s, 2);
		for (const [slot, pid] of after) assert.notStrictEqual(pid, before.get(slot));
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("an init that hangs is not alive; one that goes on is", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1" });
	try {
		const live = async () => (await get(s.admin, "/livez")).status;
		process.kill(s.pid, "SIGSTOP");
		assert.strictEqual(await live(), 200);
		await until(async () => await live() === 503, "that it is noticed", 15000);
		process.kill(s.pid, "SIGCONT");
		await until(async () => await live() === 200, "that it is forgiven");
	} finally {
		process.kill(s.pid, "SIGCONT");
		assert.strictEqual(await s.stop(), 0);
	}
});

test("a reload whose new worker fails leaves the old ones", async () => {
	const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-")), "fail");
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2", FAIL_FILE: file });
	try {
		const before = await workers(s, 2);
		fs.writeFileSync(file, "");
		process.kill(s.pid, "SIGHUP");
		await until(async () => s.log.includes("keep serving"), "the end of the reload");
		assert.deepStrictEqual([...await workers(s, 2)].sort(), [...before].sort());
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.rmSync(path.dirname(file), { recursive: true });
	}
});

test("a reload goes on when the slot it is at is given up", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2", BOOT_TAKES: "300" });
	try {
		const before = await workers(s, 2);
		process.kill(s.pid, "SIGHUP");
		await until(async () => s.log.includes("worker[1]: to be replaced"), "the second slot's turn");
		process.kill(s.pid, "SIGTTOU");
		await until(async () => s.log.includes("reload done"), "the reload");
		assert.notStrictEqual((await workers(s, 1)).get("0"), before.get("0"));
		process.kill(s.pid, "SIGHUP");
		await until(async () => count(s.log, "reload done") === 2, "the next reload");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("TTIN and TTOU: one worker more, one less", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1" });
	try {
		process.kill(s.pid, "SIGTTIN");
		const two = await workers(s, 2);
		const stopLoad = load(s.port);
		process.kill(s.pid, "SIGTTOU");
		await until(async () => s.log.includes(`ended pid=${two.get("1")}`), "the second worker's end");
		assert.deepStrictEqual(await stopLoad(), []);
		assert.deepStrictEqual([...await workers(s, 1)], [["0", two.get("0")]]);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("a hanging event loop: no new sessions at once, replaced in time", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2", SIOINIT_PING_INTERVAL: "0.1", SIOINIT_LAG_WARN: "0.3", SIOINIT_HANG_TIMEOUT: "1.5" });
	try {
		const hung = await whoAt(s.port, "/hang");
		await until(async () => s.log.includes(`worker[${hung.slot}]: ready -> suspect`), "the suspicion");
		for (let i = 0; i < 10; i++) assert.notStrictEqual((await whoAt(s.port)).pid, hung.pid);
		await until(async () => s.log.includes(`killed pid=${hung.pid}`), "the watchdog");
		assert.notStrictEqual((await workers(s, 2)).get(hung.slot), hung.pid);
		const slow = await whoAt(s.port, "/pause");
		await until(async () => s.log.includes(`worker[${slow.slot}]: suspect -> ready`), "forgiveness");
		assert.strictEqual((await workers(s, 2)).get(slow.slot), slow.pid);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("looking after a worker never mixes up its sockets", async () => {
	const s = await start(["plain.js"], { SIOINIT_WORKERS: "2", SIOINIT_PING_INTERVAL: "0.005" });
	try {
		await Promise.all(Array.from({ length: 300 }, async (_, i) => {
			const c = await upgraded(s.port);
			c.write(`${i}`);
			const [echo] = await once(c, "data");
			assert.strictEqual(String(echo), `${i}`);
			c.destroy();
		}));
		const metrics = String((await get(s.admin, "/metrics")).body);
		assert.match(metrics, /sioinit_handbacks_total 0/);
		assert.match(metrics, /sioinit_upgrades_total 300/);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("too much memory, too old, too many sessions: replaced without a gap", async () => {
	for (const [env, provoke] of [[{ SIOINIT_MAX_MEMORY: "120M" }, "/grow"], [{ SIOINIT_MAX_AGE: "1" }, "/"], [{ SIOINIT_MAX_SESSIONS: "3" }, "/socket.io/?EIO=4&transport=polling"]]) {
		const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_PING_INTERVAL: "0.1", SIOINIT_DRAIN_TIME: "0.2", ...env });
		try {
			const before = await whoAt(s.port, provoke);
			for (let i = 0; i < 3; i++) await get(s.port, provoke.replace("/grow", "/"));
			const stopLoad = load(s.port);
			await until(async () => (await whoAt(s.port)).pid !== before.pid, "the next worker");
			assert.deepStrictEqual(await stopLoad(), []);
			assert.match(s.log, new RegExp(Object.keys(env)[0]));
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	}
});

test("a changed file replaces the workers, a module's and what is to be ignored does not", async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	for (const sub of ["lib", "node_modules", "logs", "lib/uploads"]) fs.mkdirSync(path.join(dir, sub));
	const ignored = `logs,*.sqlite,${dir}/lib/up*`;
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_WATCH: dir, SIOINIT_WATCH_IGNORE: ignored, SIOINIT_DRAIN_TIME: "0.1" });
	try {
		const { pid } = await whoAt(s.port);
		for (const file of ["node_modules/x.js", "logs/x", "lib/db.sqlite", "lib/uploads/x", "lib/upper"]) fs.writeFileSync(path.join(dir, file), "");
		await new Promise((r) => setTimeout(r, 300)); // three times what a change takes to settle
		assert.strictEqual(count(s.log, "files have changed"), 0);
		fs.writeFileSync(path.join(dir, "lib", "x.js"), "");
		await until(async () => s.log.includes("reload done"), "the reload");
		assert.notStrictEqual((await whoAt(s.port)).pid, pid);
		assert.strictEqual(count(s.log, "files have changed"), 1);
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.rmSync(dir, { recursive: true });
	}
});

test("a crash is not the end, a crash loop is if the user says so", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_MAX_RESTARTS: "2" });
	for (let i = 0; i < 3; i++) {
		const w = await until(() => whoAt(s.port), "a worker");
		await get(s.port, i === 2 ? "/exit?7" : "/die");
		await until(async () => s.log.includes(`ended pid=${w.pid}`), "its end");
	}
	assert.strictEqual(await s.ended, 7);
	assert.match(s.log, /signal=KILL/);
});

test("an app that always fails before it serves ends sioinit, however long it takes to fail", async () => {
	const command = ["--", "node", "-e", "setTimeout(() => process.exit(9), 300)"];
	const env = { SIOINIT_WORKERS: "1", SIOINIT_MIN_UPTIME: "0.1", SIOINIT_PORT: await freePort(), SIOINIT_ADMIN: "off" };
	const { code, out } = await run(command, env);
	assert.strictEqual(code, 9, out);
	assert.strictEqual(out.match(/worker\[0\]: ended/g).length, 5, out);
});

test("a worker that leaves the cluster is replaced at once", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2" });
	try {
		const sockets = await Promise.all([upgraded(s.port), upgraded(s.port)]); // keep their workers alive
		const { pid } = await whoAt(s.port, "/disconnect");
		await until(async () => s.log.includes(`has closed its server pid=${pid}`), "the farewell");
		await until(async () => count(s.log, "booting -> ready") === 3, "a new worker");
		assert.strictEqual((await get(s.port, "/")).status, 200);
		sockets.forEach((c) => c.destroy());
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("a dead worker whose grandchild holds a waiting poll's connection does not harm the router", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2" });
	try {
		const routers = routersOf(s.pid);
		await get(s.port, "/bequeath?EIO=4&transport=polling&sid=x").catch(() => {});
		assert.match(String((await get(s.admin, "/metrics")).body), new RegExp(`^sioinit_router_starts_total ${routers.length}$`, "m"));
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("an exit code that says done; the end of the only worker", async () => {
	for (const env of [{ SIOINIT_STOP_EXIT_CODES: "5,6" }, { SIOINIT_RESTART: "never" }]) {
		const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", ...env });
		await get(s.port, "/exit?6");
		assert.strictEqual(await s.ended, 6);
	}
});

test("the stop: requests are answered, then TERM, then KILL; further signals hurry", async () => {
	const polite = await start(["supervised.js"], { SIOINIT_WORKERS: "1" });
	const slow = get(polite.port, "/slow?400");
	await until(async () => (await whoAt(polite.port)).pid, "the slow request to be under way");
	assert.strictEqual(await polite.stop(), 0);
	assert.strictEqual(String((await slow).body), "slow");

	const stubborn = await start(["supervised.js"], { SIOINIT_WORKERS: "1", TERM_TAKES: "60000", SIOINIT_STOP_TIMEOUT: "0.7" });
	assert.strictEqual(await stubborn.stop(), 137);

	const delayed = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_SHUTDOWN_DELAY: "60" });
	process.kill(delayed.pid, "SIGTERM");
	await until(async () => (await get(delayed.admin, "/readyz")).status === 503, "not ready");
	assert.strictEqual((await get(delayed.port, "/")).status, 200);
	process.kill(delayed.pid, "SIGTERM");
	assert.strictEqual(await delayed.ended, 0);

	const hurried = await start(["supervised.js"], { SIOINIT_WORKERS: "1", TERM_TAKES: "60000", SIOINIT_STOP_TIMEOUT: "60" });
	process.kill(hurried.pid, "SIGQUIT");
	await until(async () => hurried.log.includes("-> stopping"), "the stop");
	process.kill(hurried.pid, "SIGQUIT");
	assert.strictEqual(await hurried.ended, 137);
});

test("live sockets are closed one after another, not all at once", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_DRAIN_TIME: "1", SIOINIT_SHUTDOWN_DELAY: "0" });
	const sockets = await Promise.all(Array.from({ length: 40 }, () => upgraded(s.port)));
	const closed = Promise.all(sockets.map((c) => new Promise((resolve) => c.on("close", () => resolve(Date.now())))));
	assert.strictEqual(await s.stop(), 0);
	const at = (await closed).sort((a, b) => a - b);
	assert.ok(at[39] - at[0] > 500, `all within ${at[39] - at[0]} ms`);
});

test("after a scale-up the surplus moves to the new workers, gently", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_REBALANCE: "on", SIOINIT_DRAIN_TIME: "1" });
	try {
		let closed = 0;
		await Promise.all(Array.from({ length: 40 }, async () => (await upgraded(s.port)).on("close", () => closed++)));
		await until(async () => JSON.parse((await get(s.admin, "/status")).body).workers[0].sockets >= 40, "the sockets to be seen");
		process.kill(s.pid, "SIGTTIN");
		await until(async () => closed === 20, "the surplus to be closed");
		assert.match(s.log, /rebalance: 20 sockets/);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("signals: what is not ours reaches every worker once; USR1 never does; the map", async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2", SAY: "SIGUSR1,SIGUSR2,SIGWINCH,SIGALRM,SIGHUP", SIOINIT_SIGNAL_MAP: "HUP=ALRM" });
	try {
		for (const sig of ["SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGHUP"]) process.kill(s.pid, sig);
		await until(async () => count(s.out, "SIGALRM") === 2 && count(s.out, "SIGUSR2") === 2 && count(s.out, "SIGWINCH") === 2, "the signals");
		assert.strictEqual(count(s.out, "SIGUSR1") + count(s.out, "SIGHUP"), 0);
		assert.match(s.log, /worker\[1\]: pid=\d+ state=ready/);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});
