// k8s/base under the rules of a kubelet (kubelet.js): start-up gates, readiness, liveness, the end of a pod, the next pod.
const assert = require("assert");
const path = require("path");
const test = require("node:test");
const { CHAT, buildChat, get, load, must, needPodman, root, sleep, until, websocket } = require("./podman.js");

needPodman("docker.io/library/debian:bookworm-slim", "docker.io/library/node:22-bookworm-slim");
buildChat();
const { Kubelet, podOf } = require("./kubelet.js");
const manifest = podOf(path.join(root, "k8s/base"));

const SLOW = ["-v", `${path.join(__dirname, "fixtures/slow-boot.js")}:/slow-boot.js:ro`, "-e", "NODE_OPTIONS=--require /slow-boot.js"];
const of = (k, type) => k.events.find((e) => e.type === type);

test("start-up: the probe gates the others until a worker is ready; clients are told to come again", async () => {
	const k = new Kubelet(manifest, CHAT, SLOW);
	const early = await until("the public port answers", () => get(k.ports.http, "/"));
	assert.strictEqual(early.status, 503);
	assert.strictEqual(early.headers["retry-after"], "1");
	assert.strictEqual((await get(k.ports.admin, "/livez")).status, 200);
	await until("ready", () => k.ready);
	assert.ok(of(k, "NotStarted"), "there was a failing start-up probe");
	assert.ok(of(k, "Started").at >= 3000, `started after ${of(k, "Started").at} ms`);
	assert.ok(of(k, "Ready").at >= of(k, "Started").at);
	assert.strictEqual((await get(k.ports.http, "/")).status, 200);
	assert.strictEqual(await k.terminate(), 0, k.container.logs());
});

test("all workers die: not ready, alive all the time, ready again by itself", async () => {
	const k = new Kubelet(manifest, CHAT, SLOW);
	await until("ready", () => k.ready);
	const workers = k.container.processes().filter((p) => p.command.startsWith("node worker.js"));
	k.container.exec("sh", "-c", `kill -KILL ${workers.map((p) => p.pid).join(" ")}`);
	await until("unready", () => !k.ready, 10000);
	assert.strictEqual((await get(k.ports.admin, "/livez")).status, 200);
	await until("ready again", () => k.ready);
	assert.strictEqual(k.count("NotLive") + k.count("Unhealthy"), 0);
	assert.strictEqual(await k.terminate(), 0, k.container.logs());
});

test("the end: out of the endpoints at once, serving through the delay, alive until the exit, status 0 in time", async () => {
	const k = new Kubelet(manifest, CHAT);
	await until("ready", () => k.ready);
	const exit = k.terminate();
	const killing = of(k, "Killing").at;

	await until("/readyz is 503", async () => (await get(k.ports.admin, "/readyz")).status === 503, 1000);
	for (let i = 0; i < 8; i++) {
		const [page, handshake, live] = await Promise.all([
			get(k.ports.http, "/"),
			get(k.ports.http, "/socket.io/?EIO=4&transport=polling"),
			get(k.ports.admin, "/livez"),
		]);
		assert.deepStrictEqual([page.status, handshake.status, live.status], [200, 200, 200], `${i * 500} ms after TERM`);
		await sleep(500);
	}
	assert.strictEqual(await exit, 0, k.container.logs());
	const took = of(k, "Ended").at - killing;
	assert.ok(took >= 5000 && took < 25000, `took ${took} ms`);
	assert.ok(of(k, "Unready"), "the readiness probe has seen it");
	assert.strictEqual(k.count("Unhealthy"), 0);
});

// When each of the clients was cut off, in ms after TERM.
async function endWithWebSockets(...options) {
	const k = new Kubelet(manifest, CHAT, options);
	await until("ready", () => k.ready);
	const sockets = await Promise.all(Array.from({ length: 200 }, () => websocket(k.ports.http, "/socket.io/?EIO=4&transport=websocket")));
	const t0 = Date.now();
	const closed = Promise.all(sockets.map((s) => new Promise((resolve) => s.on("close", () => resolve(Date.now() - t0)))));

	assert.strictEqual(await k.terminate(), 0, k.container.logs());
	const took = of(k, "Ended").at - of(k, "Killing").at;
	assert.ok(took < manifest.spec.terminationGracePeriodSeconds * 1000 - 5000, `took ${took} ms`);
	assert.strictEqual(k.count("Unhealthy"), 0);
	return (await closed).sort((a, b) => a - b);
}

test("the end with live WebSockets: kept through the delay, over within the grace period", async () => {
	const [first] = await endWithWebSockets();
	assert.ok(first >= 5000, `the first after ${first} ms`);
});

test("the end where pidfd_getfd(2) is allowed: WebSockets are closed one after another", async () => {
	const at = await endWithWebSockets("--security-opt", "seccomp=unconfined");
	assert.ok(at[0] >= 5000, `the first after ${at[0]} ms`);
	assert.ok(at.at(-1) - at[0] >= 1500, `all within ${at.at(-1) - at[0]} ms`);
});

test("PID 1 hangs: not alive, restarted, ready again", async () => {
	const impatient = structuredClone(manifest);
	impatient.spec.terminationGracePeriodSeconds = 1;
	impatient.spec.containers[0].livenessProbe.periodSeconds = 1;
	const k = new Kubelet(impatient, CHAT);
	await until("ready", () => k.ready);

	must("kill", "-s", "STOP", k.container.id);
	await until("restarted", () => k.restarts === 1);
	assert.match(of(k, "Unhealthy").text, /^503 init does not answer/);
	await until("ready again", () => k.ready);
	assert.strictEqual((await get(k.ports.http, "/")).status, 200);
	await k.terminate();
});

// The Service sends to pods that are ready as far as the last probe says.
test("a rolling update of the Deployment: no preStop, no failed request", async () => {
	assert.strictEqual(manifest.spec.containers[0].lifecycle, undefined);
	const pods = [new Kubelet(manifest, CHAT)];
	await until("ready", () => pods[0].ready);
	const stopLoad = load(() => pods.findLast((k) => k.ready).ports.http);

	pods.push(new Kubelet(manifest, CHAT));
	await until("the new pod is ready", () => pods[1].ready);
	pods.reverse(); // the old one last: the Service goes on sending to it until its readiness probe fails
	assert.strictEqual(await pods[1].terminate(), 0, pods[1].container.logs());
	assert.strictEqual((await get(pods[0].ports.http, "/")).status, 200);
	assert.deepStrictEqual(await stopLoad(), []);
	assert.strictEqual(await pods[0].terminate(), 0);
});
