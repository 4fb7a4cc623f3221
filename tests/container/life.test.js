// From start to stop as podman's users do it: as PID 1 and not as PID 1, locked down, in an image with nothing in it; stop,
// kill, logs.
const assert = require("assert");
const test = require("node:test");
const { PORTS, SIOINIT, build, buildSioinit, get, image, load, must, mustMeanwhile, needPodman, podman, start, startApp, startPod, until, untilReady, websocket } = require("./podman.js");

const SCRATCH = image("sioinit-scratch");
const LOCKED = ["--read-only", "--read-only-tmpfs=false", "--user", "12345", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
const TWO = ["-e", "SIOINIT_WORKERS=2"];

needPodman("docker.io/library/debian:bookworm-slim", "docker.io/library/node:22-bookworm-slim");
buildSioinit();
build(SCRATCH, "tests/container/scratch/Dockerfile", "tests/container/fixtures", "--build-arg", `SIOINIT=${SIOINIT}`);

const linesOf = (c, what) => c.logs().split("\n").filter((l) => what.test(l));
const pidsOf = async (c) => (await c.status()).workers.map((w) => w.pid);

function stop(c, seconds) {
	const t0 = Date.now();
	must("stop", "-t", String(seconds), c.id);
	return { ms: Date.now() - t0, code: c.exitCode() };
}

const execMeanwhile = (c, ...command) => mustMeanwhile("exec", c.id, ...command);

async function reloads(c, ask) {
	const before = await pidsOf(c);
	const stopLoad = load(c.http);

	const said = await ask();
	await until("every worker is a new one", async () => {
		const { workers } = await c.status();
		return workers.every((w) => w.state === "ready" && !before.includes(w.pid));
	});
	await until("the last of the old ones has ended", async () => (await c.status()).worker_ends === before.length);
	assert.deepStrictEqual(await stopLoad(), []);
	return said;
}

test("stop: the app sees TERM, the exit status is 0; its lines are in the log as they were", async () => {
	const c = await untilReady(startApp(...TWO));
	const socket = await websocket(c.http, "/");
	const closed = new Promise((resolve) => socket.on("close", resolve));

	const { code } = stop(c, 20);
	assert.strictEqual(code, 0, c.logs());
	await closed;
	assert.deepStrictEqual(linesOf(c, /SIGTERM slot/).sort(), ["app: SIGTERM slot=0", "app: SIGTERM slot=1"]);
	assert.deepStrictEqual(linesOf(c, /begin/).sort(), [0, 1].map((n) => `app: begin slot=${n} "quoted" 100% \\n {"level":"info"}`));
});

test("stop -t 1, and the app does not want to: 137; with a stop timeout below: 137 by ourselves, in order", async () => {
	const stubborn = await untilReady(startApp("-e", "TERM_TAKES=60000"));
	assert.strictEqual(stop(stubborn, 1).code, 137);

	const bounded = await untilReady(startApp("-e", "TERM_TAKES=60000", "-e", "SIOINIT_STOP_TIMEOUT=1"));
	const { ms, code } = stop(bounded, 20);
	assert.strictEqual(code, 137);
	assert.ok(ms < 10000, `${ms} ms`);
	assert.match(bounded.logs(), /still there at the stop timeout/);
});

test("kill -s HUP: every worker is replaced, no request fails", async () => {
	const c = await untilReady(startApp(...TWO));
	await reloads(c, () => mustMeanwhile("kill", "-s", "HUP", c.id));
	assert.strictEqual(stop(c, 20).code, 0, c.logs());
});

test("locked down: status, reload, scale and the health check through exec", async () => {
	const c = await untilReady(startApp(...LOCKED, ...TWO));

	assert.match(c.exec("sioinit", "status"), /^ +0 +\d+ ready [^]*^ +1 +\d+ ready /m);
	assert.match(await reloads(c, () => execMeanwhile(c, "sioinit", "reload")), /^reloaded/);
	c.exec("sioinit", "scale", "1");
	assert.strictEqual((await c.status()).workers_wanted, 1);
	assert.strictEqual(podman("healthcheck", "run", c.id).code, 0);
	c.exec("sioinit", "drain");
	assert.notStrictEqual(podman("healthcheck", "run", c.id).code, 0);
	assert.strictEqual((await get(c.http, "/")).status, 200);
});

test("an image with nothing in it: health, status, reload, stop", async () => {
	const c = await untilReady(start([...PORTS, ...TWO, "--read-only", "--read-only-tmpfs=false", "--unsetenv", "HOME"], SCRATCH));

	assert.notStrictEqual(podman("exec", c.id, "sh", "-c", ":").code, 0, "there is no shell");
	assert.strictEqual(podman("healthcheck", "run", c.id).code, 0);
	c.exec("sioinit", "health");
	assert.match(c.exec("sioinit", "status"), / ready /);
	await reloads(c, () => execMeanwhile(c, "sioinit", "reload"));
	assert.strictEqual(stop(c, 20).code, 0, c.logs());
});

test("--init, so not PID 1: what workers leave behind is still ours to reap; stop", async () => {
	const c = await untilReady(startApp("--init", "-e", "SIOINIT_WORKERS=1"));
	const init = () => c.processes().find((p) => p.command.startsWith("sioinit app.js"));

	assert.notStrictEqual(init().pid, 1);
	await get(c.http, "/orphan");
	const orphan = await until("the orphan is ours", () => c.processes().find((p) => p.name === "sleep" && p.ppid === init().pid));
	await until("it is reaped", () => !c.processes().some((p) => p.pid === orphan.pid));
	assert.match(c.exec("sioinit", "status"), / ready /);
	assert.strictEqual(stop(c, 20).code, 0, c.logs());
});

test("a pod that shares its PID namespace: the sidecar's processes are not ours to end", async () => {
	const pod = startPod("--share", "pid,net,ipc", "-p", "127.0.0.1::8080", "-p", "127.0.0.1::9090");
	const sidecar = pod.start(["--entrypoint", "sh"], SIOINIT, "-c", "trap 'exit 0' TERM; sleep 1000 & wait");
	const c = await untilReady(pod.start(["-e", "SIOINIT_ADMIN=0.0.0.0:9090", "-e", "SIOINIT_WORKERS=1", ...pod.app], SIOINIT, "app.js"));
	const commands = () => sidecar.processes().map((p) => p.command).filter((command) => /sleep 1000|app\.js/.test(command));

	assert.ok(commands().some((command) => command.startsWith("sioinit")), "it sees our processes");
	assert.match(c.exec("sioinit", "status"), / ready /);
	await reloads(c, () => execMeanwhile(c, "sioinit", "reload"));
	await get(c.http, "/orphan");
	assert.strictEqual(stop(c, 20).code, 0, c.logs());
	assert.deepStrictEqual(commands().filter((command) => command !== "sleep 1000"), ["sh -c trap 'exit 0' TERM; sleep 1000 & wait"]);
	assert.ok(sidecar.running());
});

test("64 descriptors and a crowd: alive and ready all the time, serving again when the crowd leaves", async () => {
	const c = await untilReady(startApp("--ulimit", "nofile=64:64", "--ulimit", "nproc=4096:4096", ...TWO));
	const crowd = Array.from({ length: 100 }, () => c.connect());

	await until("it has no room", () => /clients wait until there is room/.test(c.logs()));
	assert.strictEqual((await get(c.admin, "/livez")).status, 200);
	assert.strictEqual((await get(c.admin, "/readyz")).status, 200);
	c.exec("sioinit", "health", "--ready");
	for (const socket of crowd) socket.destroy();
	await until("it serves", async () => (await get(c.http, "/")).status === 200);
	assert.strictEqual((await c.status()).router_starts, 1);
});
