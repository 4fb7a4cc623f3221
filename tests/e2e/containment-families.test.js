// Several families of adapters and engines on one channel: 0.2 and 0.3 side by side during a reload, and an engine whose
// workers pass on each other's requests.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const path = require("path");
const { withCluster, assertFetches, until, temporary } = require("./cluster");

const [OLD, NEW] = ["cluster-adapter-0.2", "@socket.io/cluster-adapter"];

for (const mode of ["advanced", "json"]) {
	test(`adapters 0.2 and 0.3 hear only their own (${mode})`, { timeout: 90000 }, async () => {
		const folder = temporary();
		const file = path.join(folder, "adapter");
		fs.writeFileSync(file, OLD);
		try {
			await withCluster(3, { ADAPTER_FILE: file, SIOINIT_SERIALIZATION: mode, SIOINIT_DRAIN_TIME: "4", SIOINIT_LAG_WARN: "5" }, async (s) => {
				const olds = await s.everywhere();
				for (const c of olds) await c.ask("speak", 100, 20);
				await until(async () => olds.every((l) => olds.every((c) => l.record.next(c.from) > 0)), "the old ones to hear each other");
				for (const c of olds) await assertFetches(c, { n: 3 });
				fs.writeFileSync(file, NEW);
				process.kill(s.pid, "SIGHUP");
				const news = [];
				for (const c of olds) {
					await s.replaced(c.where.slot, c.where.pid);
					const next = await s.at(c.where.slot);
					await next.ask("speak", 100, 20);
					news.push(next);
				}
				await until(async () => news.every((l) => news.every((c) => l.record.next(c.from) > 0)), "the new ones to hear each other");
				await until(async () => olds.every((c) => c.lost), "the old ones' end");
				await s.settled();
				for (const c of news) await assertFetches(c, { n: 3 });
				for (const l of olds) for (const c of news) assert.strictEqual(l.record.next(c.from), 0, "an old one heard a new one");
				for (const l of news) for (const c of olds) assert.strictEqual(l.record.next(c.from), 0, "a new one heard an old one");
				[...olds, ...news].forEach((l) => assert.deepStrictEqual(l.record.faults, []));
				assert.doesNotMatch(s.out, /CROSSED/);
				assert.doesNotMatch(s.log, /Unhandled|Uncaught|Error:/i);
			});
		} finally {
			fs.rmSync(folder, { recursive: true });
		}
	});
}

test("an engine without sticky sessions: polling clients whose requests go anywhere", { timeout: 90000 }, async () => {
	await withCluster(3, { SIOINIT_STICKY: "none", SIOINIT_BALANCE: "random" }, async (s) => {
		const n = 12;
		const clients = [];
		for (let i = 0; i < n; i++) clients.push(await s.connect({ transports: ["polling"] }));
		assert.ok(new Set(clients.map((c) => c.where.slot)).size > 1, "several workers have sessions");
		for (let i = 0; i < 10; i++) assert.deepStrictEqual(await Promise.all(clients.map((c) => c.ask("echo", i, "x".repeat(1000)))), Array(n).fill(i));
		const words = clients.map((c) => new Promise((resolve) => c.once("all", resolve)));
		clients[0].emit("all", "to everybody");
		assert.deepStrictEqual(await Promise.all(words), Array(n).fill("to everybody"));
		for (const c of clients) {
			const seen = await c.ask("engine");
			assert.strictEqual(seen.stray, 0, "what is for one worker is sent to that one only");
			assert.ok(seen.passed > 0, "requests did go elsewhere");
		}
		// with a worker go its sessions and the polls that it passed on; who comes then is served as before
		const [victim] = clients;
		s.signal(victim.where.pid, "SIGKILL");
		await s.replaced(victim.where.slot, victim.where.pid);
		const next = [];
		for (let i = 0; i < n; i++) next.push(await s.connect({ transports: ["polling"] }));
		for (let i = 0; i < 5; i++) assert.deepStrictEqual(await Promise.all(next.map((c) => c.ask("echo", i, ""))), Array(n).fill(i));
	}, ["anywhere.js"]);
});
