// Namespaces come and go by the thousand, with long names; adapters that were closed go on talking. Init's memory does not
// grow with it, and every worker finds the sockets of all others.
const test = require("node:test");
const assert = require("node:assert");
const { Manager } = require("socket.io-client");
const { withCluster, assertFetches, within, until, sleep, MB } = require("./cluster");

const GROWTH = 20 * MB;

// For each worker a connection that carries any number of namespaces.
async function managers(s) {
	const found = [];
	const others = [];
	for (let i = 0; i < 20 * s.n && found.filter(Boolean).length < s.n; i++) {
		const manager = new Manager(`http://127.0.0.1:${s.sioinit.port}`, { transports: ["websocket"], reconnection: false });
		const { slot } = await within(new Promise((resolve, reject) => {
			const root = manager.socket("/");
			root.once("connect", () => root.emit("where", resolve));
			root.once("connect_error", reject);
		}), "a manager");
		if (found[slot]) others.push(manager);
		else found[slot] = manager;
	}
	others.forEach((m) => m._close());
	assert.strictEqual(found.filter(Boolean).length, s.n, "a connection to each worker");
	return found;
}

const enter = (manager, name) => within(new Promise((resolve, reject) => {
	const c = manager.socket(name);
	c.once("connect", () => resolve(c));
	c.once("connect_error", reject);
}), `entering ${name.slice(0, 20)}`);

const enterAll = (all, name) => Promise.all(all.map((m) => enter(m, name)));
const ask = (c, event) => within(c.emitWithAck(event), event);

// Once the adapters have heard of each other.
async function assertFound(clients, n, what) {
	for (const c of clients) {
		await until(async () => (await ask(c, "servers")) === n, `${what}: ${n} servers`);
		const [count, ms] = await ask(c, "count");
		assert.deepStrictEqual({ count, soon: ms <= 500 }, { count: n, soon: true }, `${what}: fetchSockets() found ${count} after ${ms} ms`);
	}
}

async function assertHeldTo(s, baseline, what) {
	const grown = s.resident() - baseline;
	assert.ok(grown < GROWTH, `${what}: init grew by ${(grown / MB).toFixed(1)} MiB`);
}

test("3000 namespaces one after the other", { timeout: 120000 }, async () => {
	await withCluster(3, { CLEANUP: "1", SIOINIT_LAG_WARN: "5" }, async (s) => {
		const all = await managers(s);
		const baseline = s.resident();
		for (let i = 0; i < 3000; i++) {
			const clients = await enterAll(all, `/d-${i}`);
			if (i % 300 === 0) await assertFound(clients, 3, `namespace ${i}`);
			clients.forEach((c) => c.disconnect());
		}
		const last = await enterAll(all, "/d-last");
		await assertFound(last, 3, "the last namespace");
		await assertHeldTo(s, baseline, "3000 namespaces, closed");
		all.forEach((m) => m._close());
	});
});

test("1600 namespaces at a time", { timeout: 120000 }, async () => {
	await withCluster(3, { SIOINIT_LAG_WARN: "5" }, async (s) => {
		const all = await managers(s);
		const baseline = s.resident();
		const first = await enterAll(all, "/d-0");
		for (let i = 0; i < 1600; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => enterAll(all, `/d-${i + k + 1}`)));
		const last = await enterAll(all, "/d-last");
		await assertFound(last, 3, "the last of 1602 namespaces");
		await assertFound(first, 3, "the first of them");
		await assertHeldTo(s, baseline, "1600 namespaces");
		all.forEach((m) => m._close());
	});
});

test("namespaces with names of 10 kB", { timeout: 120000 }, async () => {
	await withCluster(3, { CLEANUP: "1", SIOINIT_LAG_WARN: "5" }, async (s) => {
		const all = await managers(s);
		const name = (i) => `/d-${String(i).padEnd(10000, "n")}`;
		const baseline = s.resident();
		// 500 one after the other, then 200 at a time
		for (let i = 0; i < 500; i++) (await enterAll(all, name(i))).forEach((c) => c.disconnect());
		const kept = [];
		for (let i = 1000; i < 1200; i++) kept.push(await enterAll(all, name(i)));
		await assertFound(kept[0], 3, "the first");
		await assertFound(kept[199], 3, "the last");
		await assertHeldTo(s, baseline, "names of 10 kB");
		all.forEach((m) => m._close());
	});
});

test("a closed adapter stays closed, however long it goes on talking", { timeout: 60000 }, async () => {
	await withCluster(3, { CLEANUP: "1", HEARTBEAT_MS: "200" }, async (s) => {
		const all = await managers(s);
		const [a, b, c] = await enterAll(all, "/d-1");
		await until(async () => (await ask(b, "servers")) === 3, "three servers");
		await assertFound([a, b, c], 3, "before");
		a.disconnect();
		// another adapter's first heartbeat makes the closed one answer
		for (let i = 0; i < 20; i++) {
			await sleep(100);
			if (i < 3) continue;
			assert.strictEqual(await ask(b, "servers"), 2, `servers after ${i + 1} tenths of a second`);
			await assertFound([b, c], 2, "without the closed one");
		}
		const again = await enter(all[0], "/d-1");
		await until(async () => (await ask(b, "servers")) === 3 && (await ask(again, "servers")) === 3, "three servers again");
		await assertFound([again, b, c], 3, "after it was opened again");
		all.forEach((m) => m._close());
	});
});

test("the others' servers and sockets after a worker with closed adapters dies", { timeout: 60000 }, async () => {
	await withCluster(3, { CLEANUP: "1" }, async (s) => {
		const [a, b, c] = await s.everywhere();
		const all = await managers(s);
		for (let i = 0; i < 50; i++) (await enterAll(all, `/d-${i}`)).forEach((x) => x.disconnect());
		const kept = await enterAll(all, "/d-kept");
		s.signal(a.where.pid, "SIGKILL");
		await until(async () => a.lost, "its end");
		for (const x of [b, c]) await assertFetches(x);
		await assertFound(kept.slice(1), 2, "the namespace of the dead");
		await s.replaced(0, a.where.pid);
		assert.strictEqual(await b.ask("servers"), 3);
		all.forEach((m) => m._close());
	});
});
