// Apps that just listen, with and without the adapter; the ways to say what is run; what the workers are told.
const test = require("node:test");
const assert = require("node:assert");
const os = require("os");
const { io } = require("socket.io-client");
const { start, get, freePort } = require("./harness");
const { exercise } = require("./exercise");

// What every one of n workers answers.
async function answers(port, n) {
	const bySlot = new Map();
	for (let i = 0; i < 10 * n && bySlot.size < n; i++) {
		const answer = JSON.parse((await get(port, "/")).body);
		bySlot.set(answer.told.SIOINIT_SLOT, answer);
	}
	assert.deepStrictEqual([...bySlot.keys()].map(Number).sort(), Array.from({ length: n }, (_, i) => i));
	return [...bySlot.values()];
}

function checkTold(all, port) {
	for (const { told, port: own, env } of all) {
		assert.deepStrictEqual(told, { NODE_APP_INSTANCE: told.SIOINIT_SLOT, SIOINIT_SLOT: told.SIOINIT_SLOT, SIOINIT_WORKERS: String(all.length), PORT: String(port) });
		assert.strictEqual(own, port);
		assert.deepStrictEqual(env.filter((name) => /^(SIOINIT_(?!SLOT|WORKERS)|NODE_(UNIQUE|CHANNEL))/.test(name)), []);
	}
}

const listening = [
	["with createAdapter()", { ADAPTER: "@socket.io/cluster-adapter" }, { across: true }],
	["without createAdapter()", {}, { across: false }],
	["with NODE_CLUSTER_SCHED_POLICY=none", { ADAPTER: "@socket.io/cluster-adapter", NODE_CLUSTER_SCHED_POLICY: "none" }, { across: true }],
];
for (const [what, env, options] of listening)
	test(`an app that listens, ${what}`, { timeout: 60000 }, async () => {
		const s = await start(["worker.js"], { SIOINIT_WORKERS: "2", ...env });
		try {
			await exercise(io, s.port, options);
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	});

test("sioinit -- node --inspect=0 worker.js arg", { timeout: 30000 }, async () => {
	const s = await start(["--", "node", "--inspect=0", "told.js", "arg", "--workers=9"], { SIOINIT_WORKERS: "2" });
	try {
		const all = await answers(s.port, 2);
		checkTold(all, s.port);
		for (const { argv } of all) assert.deepStrictEqual(argv, ["arg", "--workers=9"]);
		assert.strictEqual(new Set(all.map((a) => new URL(a.inspector).port)).size, 2, "an inspector each");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("nothing but the environment", { timeout: 30000 }, async () => {
	const PORT = await freePort();
	const s = await start([], { SIOINIT_APP: "told.js", SIOINIT_WORKERS: "max", SIOINIT_PORT: undefined, PORT });
	try {
		checkTold(await answers(PORT, Number(s.log.match(/with (\d+) workers/)[1])), PORT);
		assert.ok(s.log.includes(`with ${os.availableParallelism()} workers`) || /\(cgroup quota \d/.test(s.log), s.log);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});
