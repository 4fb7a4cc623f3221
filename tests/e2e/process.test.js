// What a worker's process is given: user, rights, a heap of its size; and what runs before it.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, get, until, childOf, routerOf } = require("./harness");

const status = (pid, key) => new RegExp(`^${key}:\\s*(.*)$`, "m").exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1].trim().split(/\s+/);
const isRoot = process.getuid() === 0;
const isGone = async (pid) => !fs.existsSync(`/proc/${pid}`) || status(pid, "State")[0] === "Z";

test("SIOINIT_USER: workers and router are nobody, and die with sioinit", { skip: !isRoot && "only root can" }, async () => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_USER: "nobody", SIOINIT_NO_NEW_PRIVS: "1", HOME: "/root" });
	try {
		const { pid, env } = JSON.parse((await get(s.port, "/env")).body);
		const nobody = /^nobody:[^:]*:(\d+):(\d+):[^:]*:([^:]*)/m.exec(fs.readFileSync("/etc/passwd", "utf8"));
		for (const p of [pid, routerOf(s.pid)]) {
			assert.deepStrictEqual(status(p, "Uid"), Array(4).fill(nobody[1]));
			assert.deepStrictEqual(status(p, "Gid"), Array(4).fill(nobody[2]));
			assert.deepStrictEqual(status(p, "CapEff"), ["0".repeat(16)]);
		}
		assert.deepStrictEqual(status(pid, "NoNewPrivs"), ["1"]);
		assert.deepStrictEqual([env.HOME, env.USER, env.LOGNAME], [nobody[3], "nobody", "nobody"]);
		process.kill(s.pid, "SIGKILL");
		await s.ended;
		await until(() => isGone(pid), "the worker's death");
	} finally {
		await s.stop();
	}
});

test("a user that cannot be is one clear line and exit 78", async () => {
	const { code, out } = await run(["supervised.js"], { SIOINIT_USER: "no-such-user" });
	assert.strictEqual(code, 78);
	assert.match(out, /SIOINIT_USER=\\"no-such-user\\": no such user/);
});
