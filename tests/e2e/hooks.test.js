// Commands beside the workers: SIOINIT_ON_READY and SIOINIT_ON_END.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, get, until } = require("./harness");

// @use gets a function that reads the lines the hooks have written, as objects.
async function inFolder(use) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const file = path.join(dir, "events");
	const names = ["EVENT", "SLOT", "PID", "EXIT_CODE", "SIGNAL", "UPTIME", "READY", "WORKERS"];
	const command = `echo "${names.map((n) => `${n}=$SIOINIT_${n}`).join(" ")}" >> ${file}`;
	fs.writeFileSync(file, "");
	const read = () => fs.readFileSync(file, "utf8").trim().split("\n").filter(Boolean).map((l) => Object.fromEntries(l.split(" ").map((p) => p.split("="))));
	try {
		await use({ dir, command, read, of: (event) => read().filter((e) => e.EVENT === event) });
	} finally {
		fs.rmSync(dir, { recursive: true });
	}
}

test("they are told what has happened to whom", () => inFolder(async ({ command, of }) => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.2", SIOINIT_ON_READY: command, SIOINIT_ON_END: command });
	const workers = JSON.parse((await get(s.admin, "/status")).body).workers;
	await until(async () => of("ready").length === 2, "both are ready");
	assert.deepStrictEqual(of("ready").map((e) => [e.SLOT, e.PID]).sort(), workers.map((w) => [`${w.slot}`, `${w.pid}`]));
	assert.deepStrictEqual(of("ready").map((e) => e.READY).sort(), ["1", "2"]);
	assert.ok(of("ready").every((e) => e.WORKERS === "2" && e.EXIT_CODE === "" && e.SIGNAL === "" && Number(e.UPTIME) > 0));

	const { pid, slot } = JSON.parse((await get(s.port, "/exit?7")).body);
	const [end] = await until(async () => of("end").length === 1 && of("end"), "its end");
	assert.deepStrictEqual({ ...end, UPTIME: 0, READY: 0 }, { EVENT: "end", SLOT: slot, PID: `${pid}`, EXIT_CODE: "7", SIGNAL: "", UPTIME: 0, READY: 0, WORKERS: "2" });
	await until(async () => of("ready").length === 3, "its successor");

	process.kill(Number(of("ready")[2].PID), "SIGKILL");
	await until(async () => of("end")[1]?.SIGNAL === "KILL" && of("end")[1].EXIT_CODE === "", "the kill");
	await until(async () => of("ready").length === 4, "its successor");
	assert.strictEqual(await s.stop(), 0);
	assert.strictEqual(of("end").length, 4); // those of the stop, too
}));

test("one that takes long delays neither a restart nor the end for long", { timeout: 60000 }, () => inFolder(async ({ command, of }) => {
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_DRAIN_TIME: "0.2", SIOINIT_ON_END: `${command}; sleep 600; echo never`, SIOINIT_ON_READY: "exit 3" });
	const first = JSON.parse((await get(s.port, "/exit?1")).body);
	await until(async () => JSON.parse((await get(s.port, "/")).body).pid > 0 && !(await get(s.port, "/")).body.includes(`:${first.pid},`), "the next worker", 5000);
	await until(async () => s.log.includes("a hook ended with 3"), "the note");
	await until(async () => of("end").length === 1, "the hook");
	const began = Date.now();
	assert.strictEqual(await s.stop(), 0);
	assert.ok(Date.now() - began < 12000, "the grace is bounded");
	assert.strictEqual(of("end").length, 2);
}));

test("more ends than run at a time: the others wait", { timeout: 60000 }, () => inFolder(async ({ dir, of, command }) => {
	const go = path.join(dir, "go");
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_DRAIN_TIME: "0.1", SIOINIT_RESTART_DELAY: "0", SIOINIT_MIN_UPTIME: "0", SIOINIT_ON_END: `until [ -e ${go} ]; do sleep 0.1; done; ${command}` });
	for (let i = 0; i < 6; i++) {
		const pid = await until(async () => JSON.parse((await get(s.port, "/die")).body).pid, "a worker");
		await until(async () => s.log.includes(`ended pid=${pid} `), "its end");
	}
	assert.strictEqual(of("end").length, 0);
	fs.writeFileSync(go, "");
	await until(async () => of("end").length === 6, "all of them");
	assert.strictEqual(await s.stop(), 0);
	assert.strictEqual(of("end").length, 7);
}));
