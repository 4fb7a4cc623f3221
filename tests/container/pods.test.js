// Several pods of k8s/base behind a Service (service.js), under the rules of a kubelet (kubelet.js), with clients that
// are Socket.IO's own: a rolling update, an eviction, another CPU limit, probes by exec.
const assert = require("assert");
const http = require("http");
const path = require("path");
const { describe, test } = require("node:test");
const { io } = require("socket.io-client");
const { CHAT, buildChat, get, load, needPodman, root, sleep, until } = require("./podman.js");

needPodman("docker.io/library/debian:bookworm-slim", "docker.io/library/node:22-bookworm-slim");
buildChat();
const { Kubelet, podOf } = require("./kubelet.js");
const { Service } = require("./service.js");
const template = podOf(path.join(root, "k8s/base"));

const MIN_READY_MS = 1000;

// One at each address, as the Service tells clients apart. What it has met is in .lost (how long it was away, ms), .refused
// (attempts that failed) and .at (when it was cut off).
function connect(service, n, transport) {
	const agent = new http.Agent({ localAddress: `127.0.1.${n}` });
	const c = io(`http://127.0.0.1:${service.port}`, { transports: [transport], agent, forceNew: true });
	Object.assign(c, { transport, lost: [], at: [], refused: [] });
	c.on("disconnect", () => c.at.push(Date.now()));
	c.on("connect", () => c.at.length && c.lost.push(Date.now() - c.at.at(-1)));
	c.io.on("reconnect_error", (err) => c.refused.push(err.message));
	return c;
}

async function connectAll(service, n) {
	const clients = Array.from({ length: n }, (_, i) => connect(service, i + 1, i % 2 ? "websocket" : "polling"));
	await until("all are connected", () => clients.every((c) => c.connected));
	return clients;
}

// maxSurge 1, maxUnavailable 0: the next pod is there before one of the old ones is told to end.
async function rollingUpdate(service) {
	const ends = [];
	for (const old of [...service.pods]) {
		const next = new Kubelet(template, CHAT);
		service.pods.push(next);
		await until("the next pod is ready", () => next.ready);
		await sleep(MIN_READY_MS);
		ends.push(old.terminate());
	}
	const codes = await Promise.all(ends);
	service.pods = service.pods.filter((k) => !k.over);
	return codes;
}

const worst = (list) => Math.max(0, ...list);

// The most that were cut off within one second, of all that were.
function storm(clients) {
	const at = clients.flatMap((c) => c.at).sort((a, b) => a - b);
	return { most: worst(at.map((t, i) => at.slice(i).filter((u) => u < t + 1000).length)), all: at.length };
}

describe("pods of one Deployment", { concurrency: true }, () => {
	test("a rolling update, then an eviction", async () => {
		const service = await new Service([new Kubelet(template, CHAT), new Kubelet(template, CHAT)]).listen();
		await until("both are ready", () => service.endpoints().length === 2);
		const clients = await connectAll(service, 40);
		const stopLoad = load(service.port, { timeout: 20000 }); // four pods share the machine's CPUs

		assert.deepStrictEqual(await rollingUpdate(service), [0, 0]);
		await until("all are back", () => clients.every((c) => c.connected), 10000);
		assert.deepStrictEqual(await stopLoad(), [], "no plain request has failed");
		assert.deepStrictEqual(clients.flatMap((c) => c.refused), [], "no client was refused when it came back");
		assert.strictEqual(service.failed, 0);
		assert.ok(clients.every((c) => c.lost.length <= 2), "cut off once by each pod that ended");
		console.log(`rolling update: away for ${worst(clients.flatMap((c) => c.lost))} ms at most; most cut off within 1 s: ${JSON.stringify(storm(clients))}`);

		const [evicted] = service.pods;
		const before = clients.map((c) => c.lost.length);
		await evicted.evict();
		await until("all are back", () => clients.every((c) => c.connected) && clients.some((c, i) => c.lost.length > before[i]), 30000);
		assert.ok(clients.some((c, i) => c.lost.length === before[i]), "those of the other pod stay");
		console.log(`eviction without grace: away for ${worst(clients.map((c, i) => worst(c.lost.slice(before[i]))))} ms at most`);
		for (const c of clients) c.close();
		service.close();
		await service.pods[1].terminate();
	});

	test("probes by exec, and another CPU limit while it runs", async () => {
		const pod = structuredClone(template);
		const container = pod.spec.containers[0];
		container.startupProbe = { exec: { command: ["sioinit", "health", "--ready"] }, periodSeconds: 1, failureThreshold: 60 };
		container.readinessProbe = { exec: { command: ["sioinit", "health", "--ready"] }, periodSeconds: 2, failureThreshold: 1 };
		container.livenessProbe = { exec: { command: ["sioinit", "health"] }, periodSeconds: 2, failureThreshold: 3 };
		container.resources.limits.cpu = "500m";
		const k = new Kubelet(pod, CHAT);
		const follows = (n) =>
			until(`${n} workers`, async () => {
				const { workers } = JSON.parse((await get(k.ports.admin, "/status")).body);
				return workers.filter((w) => w.state === "ready").length === n;
			});
		await until("ready", () => k.ready);
		await follows(1);
		await k.resize("2");
		await follows(2);
		await k.resize("500m");
		await follows(1);
		await until("alive", () => k.count("Live") > 0);
		assert.deepStrictEqual(k.events.filter((e) => ["Unready", "NotLive", "Unhealthy"].includes(e.type)), []);
		assert.strictEqual(await k.terminate(), 0, k.container.logs());
		assert.ok(k.events.some((e) => e.type === "Unready"), "the readiness probe has seen the end");
	});
});
