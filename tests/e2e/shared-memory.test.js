// What init shares with its routers, in the hands of a router that went wrong.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const path = require("path");
const { execFileSync } = require("child_process");
const { start, get, until, routerOf, works } = require("./harness");

const polling = "/socket.io/?EIO=4&transport=polling";
const app = { SIOINIT_WORKERS: "2" };

// The memfds of a process, by name: [name, path].
function memoryOf(pid) {
	const dir = `/proc/${pid}/fd`;
	return fs.readdirSync(dir).flatMap((fd) => {
		try {
			const name = /^\/memfd:(\S+)/.exec(fs.readlinkSync(path.join(dir, fd)))?.[1];
			return name ? [[name, path.join(dir, fd)]] : [];
		} catch {
			return []; // closed since
		}
	});
}

// Maps have the memory even where the descriptor is closed.
const mapped = (pid) => fs.readFileSync(`/proc/${pid}/maps`, "utf8").split("\n").filter((l) => l.includes("/memfd:sioinit-"));

async function serves(s) {
	const answer = await get(s.port, polling);
	assert.strictEqual(answer.status, 200);
	const metrics = String((await get(s.admin, "/metrics")).body);
	assert.match(metrics, /^sioinit_handshakes_total [1-9]/m);
}

test("nobody resizes the shared memory, by whatever descriptor", async () => {
	const s = await start(["sticky.js"], app);
	try {
		await serves(s);
		const memory = memoryOf(s.pid);
		assert.deepStrictEqual(memory.map(([name]) => name).sort(), ["sioinit-scoreboard", "sioinit-sessions"]);
		for (const [, at] of memory)
			for (const size of [0, 1, 1 << 30])
				assert.throws(() => fs.truncateSync(at, size), { code: "EPERM" });
		await serves(s);
	} finally {
		await s.stop();
	}
});

test("the shared memory is nowhere executable", async () => {
	const s = await start(["sticky.js"], app);
	try {
		await serves(s);
		for (const pid of [s.pid, routerOf(s.pid)]) {
			const maps = mapped(pid);
			assert.ok(maps.length > 0, "it is mapped");
			for (const line of maps) assert.match(line, /^\S+ rw-s /);
		}
	} finally {
		await s.stop();
	}
});

// Somebody speaks on the router's channel in its place: pidfd_getfd(2) from a process that is allowed to.
const impostor = path.join(__dirname, "fixtures", "impostor.py");

const post = (s, sid) => get(s.port, `${polling}&sid=${sid}`, { method: "POST", body: "40" }).catch(() => null);

test("a router that asks for everything once more is replaced, and sessions stay", async (t) => {
	if (!works("python3", "--version")) return t.skip("no python3");
	const s = await start(["sticky.js"], app);
	try {
		const sids = [];
		for (let i = 0; i < 6; i++) sids.push(JSON.parse(String((await get(s.port, polling)).body).slice(1)).sid);
		const router = routerOf(s.pid);
		try {
			execFileSync("python3", [impostor, String(router)], { stdio: "pipe", timeout: 20000 });
		} catch (e) {
			if (e.status === 77) return t.skip("descriptors of other processes cannot be had here");
			throw e;
		}
		await until(async () => s.log.includes("asked for everything a second time"), "the log's word");
		await until(async () => routerOf(s.pid) && routerOf(s.pid) !== router, "the next router");
		for (const sid of sids) assert.strictEqual((await until(() => post(s, sid), "an answer")).status, 200);
	} finally {
		await s.stop();
	}
});
