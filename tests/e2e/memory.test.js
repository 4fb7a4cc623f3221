// A container's memory limit: the heap that is told to Node, relief in time, and what the kernel did. Needs a cgroup of
// its own; skipped where none can be made.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const path = require("path");
const { start, get, until } = require("./harness");

const MB = 1 << 20;

// The folder of the cgroup with the memory controller that this process is in, and how its limit is called.
function memoryCgroup() {
	const lines = fs.readFileSync("/proc/self/cgroup", "utf8").trim().split("\n").map((l) => /^\d+:([^:]*):(.*)$/.exec(l).slice(1));
	const v1 = lines.find(([controllers]) => controllers.split(",").includes("memory"));
	if (v1) return { dir: path.join("/sys/fs/cgroup/memory", v1[1]), limit: "memory.limit_in_bytes" };
	return { dir: path.join("/sys/fs/cgroup", lines[0][1]), limit: "memory.max" };
}

function makeCgroup(bytes) {
	const { dir, limit } = memoryCgroup();
	const own = path.join(dir, `sioinit-test-${process.pid}-${bytes}`);
	try {
		fs.mkdirSync(own);
		fs.writeFileSync(path.join(own, limit), String(bytes));
	} catch {
		fs.rmSync(own, { recursive: false, force: true });
		return undefined;
	}
	return own;
}

// A sioinit in a cgroup of @bytes.
async function contained(t, bytes, env, use) {
	const dir = makeCgroup(bytes);
	if (!dir) return t.skip("no cgroup with a memory limit can be made");
	const bin = process.env.BIN_UNDER_TEST;
	process.env.BIN_UNDER_TEST = "/bin/sh";
	try {
		const s = await start(["-c", `echo $$ >${dir}/cgroup.procs && exec "$BIN" supervised.js`], { BIN: bin, SIOINIT_PING_INTERVAL: "0.1", SIOINIT_DRAIN_TIME: "0.1", ...env });
		try {
			await use(s);
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	} finally {
		process.env.BIN_UNDER_TEST = bin;
		await until(async () => fs.rmdirSync(dir) === undefined, "the cgroup's end");
	}
}

const status = async (s) => JSON.parse((await get(s.admin, "/status")).body);
const heapOf = (pid) => /--max-old-space-size=\d+/.exec(fs.readFileSync(`/proc/${pid}/environ`, "utf8"))?.[0];

test("SIOINIT_HEAP: a number, what the user has chosen, and a share of the limit", async (t) => {
	for (const [env, wanted] of [[{ SIOINIT_HEAP: "123" }, "--max-old-space-size=123"], [{ SIOINIT_HEAP: "123", NODE_OPTIONS: "--max-old-space-size=99" }, "--max-old-space-size=99"], [{}, undefined]]) {
		const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", ...env });
		try {
			assert.strictEqual(heapOf(JSON.parse((await get(s.port, "/")).body).pid), wanted);
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	}
	await contained(t, 400 * MB, { SIOINIT_WORKERS: "2", SIOINIT_HEAP: "auto" }, async (s) => {
		assert.strictEqual(heapOf(JSON.parse((await get(s.port, "/")).body).pid), "--max-old-space-size=150");
		assert.match(s.log, /heap of 150M for each worker/);
	});
});

test("memory pressure: the largest worker is replaced, once, and nobody notices", async (t) => {
	await contained(t, 700 * MB, { SIOINIT_WORKERS: "2", SIOINIT_MEMORY_PRESSURE: "40" }, async (s) => {
		const before = new Map();
		await until(async () => {
			const w = JSON.parse((await get(s.port, "/")).body);
			return before.set(w.slot, w.pid).size === 2;
		}, "both workers");
		const grown = JSON.parse((await get(s.port, "/grow?350")).body);
		const failed = [];
		await until(async () => {
			const { status } = await get(s.port, "/");
			if (status !== 200) failed.push(status);
			return s.log.includes(`ended pid=${grown.pid}`);
		}, "the end of the largest");
		assert.deepStrictEqual(failed, []);
		assert.match(s.log, new RegExp(`\\d+M of 700M memory in use, worker\\[${grown.slot}\\] has most of it`));
		const other = grown.slot === "0" ? "1" : "0";
		await until(async () => JSON.parse((await get(s.port, "/")).body).pid === before.get(other), "the other, as before");
		assert.strictEqual(s.log.match(/to be replaced/g).length, 1);
		const st = await status(s);
		assert.deepStrictEqual([st.memory.limit_b, st.deaths.map((d) => [d.pid, d.reason])], [700 * MB, [[grown.pid, "memory"]]]);
		await until(async () => (await status(s)).memory.used_b > 10 * MB, "what the workers have");
		assert.ok((await status(s)).memory.used_b < 700 * MB);
	});
});

test("a worker that the kernel kills for memory says so in its death record, another does not", async (t) => {
	await contained(t, 400 * MB, { SIOINIT_WORKERS: "1", SIOINIT_MEMORY_PRESSURE: "0" }, async (s) => {
		const first = JSON.parse((await get(s.port, "/die")).body);
		await until(async () => s.log.includes(`ended pid=${first.pid}`), "its end");
		const second = JSON.parse((await until(() => get(s.port, "/grow").then((r) => r.status === 200 && r), "the next worker")).body);
		await until(async () => {
			if (s.log.includes(`ended pid=${second.pid}`)) return true;
			await get(s.port, "/grow");
		}, "its end");
		assert.match(s.log, new RegExp(`ended pid=${first.pid} signal=KILL .*max_rss=\\d+M"`));
		assert.match(s.log, new RegExp(`ended pid=${second.pid} signal=KILL .*oom=yes"`));
		assert.deepStrictEqual((await status(s)).deaths.map((d) => [d.pid, d.reason, d.signal]), [[second.pid, "oom", "SIGKILL"], [first.pid, "signal", "SIGKILL"]]);
		await until(async () => (await get(s.port, "/")).status === 200, "the next worker");
	});
});
