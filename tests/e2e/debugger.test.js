// Workers that stand still since somebody looks at them with a debugger.
const test = require("node:test");
const assert = require("node:assert");
const { spawn } = require("child_process");
const { once } = require("events");
const WebSocket = require("ws");
const { start, get, until, works } = require("./harness");

const quick = { SIOINIT_WORKERS: "1", SIOINIT_PING_INTERVAL: "0.1", SIOINIT_HANG_TIMEOUT: "1" };
const killed = (s, pid) => until(async () => s.log.includes(`ended pid=${pid} signal=KILL`), `the end of ${pid}\n${s.log}`);
const metric = async (s) => Number(/^sioinit_worker_hangs_total (.*)$/m.exec((await get(s.admin, "/metrics")).body)[1]);

// A session at the inspector that sioinit's log names; send() gives the answer.
async function attach(s) {
	const url = await until(async () => /Debugger listening on (ws:\S+)/.exec(s.log)?.[1], "the inspector");
	const ws = new WebSocket(url);
	await once(ws, "open");
	ws.send(JSON.stringify({ id: 1, method: "Debugger.enable" }));
	const paused = new Promise((resolve) => ws.on("message", (m) => String(m).includes("Debugger.paused") && resolve()));
	return { ws, paused, say: (method) => ws.send(JSON.stringify({ id: 2, method })) };
}

test("a breakpoint is no hang; without the debugger it is", { timeout: 60000 }, async () => {
	const s = await start(["--", "node", "--inspect=127.0.0.1:0", "supervised.js"], quick);
	try {
		const { pid } = JSON.parse((await get(s.port, "/")).body);
		const debug = await attach(s);
		debug.say("Debugger.pause");
		get(s.port, "/").catch(() => {}); // something to stop at
		await debug.paused;
		await until(async () => s.log.includes("not killed"), "the first verdict");
		assert.match(s.log, new RegExp(`worker\\[0\\]: silent for 1\\.\\ds \\(SIOINIT_HANG_TIMEOUT\\), not killed: its inspector has a client at port \\d+ pid=${pid}`));
		const verdicts = async () => (await get(s.admin, "/status"), s.log.match(/not killed/g).length);
		await new Promise((r) => setTimeout(r, 2500)); // two more verdicts that say nothing
		assert.strictEqual(await verdicts(), 1);
		debug.say("Debugger.resume");
		await until(async () => JSON.parse((await get(s.port, "/")).body).pid === pid, "the same worker");
		await until(async () => JSON.parse((await get(s.admin, "/status")).body).workers[0].state === "ready", "it is well");
		assert.strictEqual(await metric(s), 0);
		debug.ws.terminate();
		await get(s.port, "/hang");
		await killed(s, pid);
		assert.strictEqual(await metric(s), 1);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

// ptrace(2) by hand, as gdb does it; says when it has stopped the process, and lets it go when its stdin ends.
const tracer = `
import ctypes, os, sys
libc, pid = ctypes.CDLL(None, use_errno=True), int(sys.argv[1])
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
if libc.ptrace(16, pid, None, None) != 0: sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(pid, 0x40000000)
print("stopped", flush=True)
sys.stdin.read()
`;
const python = ["/usr/bin/python3", "python3"].find((file) => works(file, "-c", "import ctypes"));

test("a process that is traced is left alone, and has its time again afterwards", { skip: !python && "no python3", timeout: 60000 }, async (t) => {
	const s = await start(["supervised.js"], quick);
	let p;
	try {
		const { pid } = JSON.parse((await get(s.port, "/")).body);
		p = spawn(python, ["-c", tracer, pid]);
		const [first] = await Promise.race([once(p.stdout, "data"), once(p, "exit")]);
		if (!String(first).startsWith("stopped")) return t.skip("ptrace is not allowed");
		await until(async () => s.log.includes("not killed"), "the first verdict");
		assert.match(s.log, new RegExp(`not killed: it is traced by process ${p.pid} pid=${pid}`));
		p.stdin.end();
		await once(p, "exit");
		await until(async () => JSON.parse((await get(s.port, "/")).body).pid === pid, "the same worker");
		assert.strictEqual(await metric(s), 0);
	} finally {
		p?.kill("SIGKILL");
		assert.strictEqual(await s.stop(), 0);
	}
});
