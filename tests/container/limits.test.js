// What the container is given: CPUs set the number of workers, at the start and when they change; memory runs out for a
// worker, never for the container.
const assert = require("assert");
const os = require("os");
const test = require("node:test");
const { buildSioinit, get, load, must, mustMeanwhile, needPodman, podman, startApp, until, untilReady } = require("./podman.js");

needPodman("docker.io/library/debian:bookworm-slim", "docker.io/library/node:22-bookworm-slim");
buildSioinit();

const HOST_CPUS = os.availableParallelism();
const atMost = (n) => Math.min(n, HOST_CPUS);
const whoAt = async (c, url = "/") => JSON.parse((await get(c.http, url)).body);
const deathsOf = (c) => c.exec("sioinit", "logs", "--death");
const readyOf = ({ workers }) => workers.filter((w) => w.state === "ready").length;
const setCpus = (c, n) => mustMeanwhile("update", "--cpus", String(n), c.id);

test("workers: the quota rounded up, the cpuset, the smaller of both, or all CPUs", async () => {
	const cases = [
		[["--cpus", "0.5"], 1],
		[["--cpus", "1"], 1],
		[["--cpus", "1.5"], atMost(2)],
		[["--cpuset-cpus", "0"], 1],
		[["--cpuset-cpus", "0", "--cpus", "1.5"], 1],
		[[], HOST_CPUS],
		[["--cpus", "0.5", "-e", "SIOINIT_WORKERS=2"], 2],
	].map(([options, expected]) => [options, expected, startApp(...options)]);

	for (const [options, expected, c] of cases) {
		await untilReady(c);
		assert.strictEqual((await c.status()).workers_wanted, expected, `${options.join(" ")}\n${c.logs()}`);
		must("rm", "-f", "-t", "0", c.id);
	}
});

test("a quota that changes while it runs is followed, without a failed request", { skip: HOST_CPUS < 2 && "one CPU" }, async () => {
	const c = await untilReady(startApp("--cpus", "0.5"));
	const follows = (n) => until(`${n} workers`, async () => {
		const s = await c.status();
		return s.workers_wanted === n && readyOf(s) === n;
	}, 20000);
	const stopLoad = load(c.http);

	await follows(1);
	await setCpus(c, 2);
	await follows(2);
	await setCpus(c, 0.5);
	await follows(1);
	await until("the other has ended", () => /code=0 state=stopping/.test(deathsOf(c)));
	assert.deepStrictEqual(await stopLoad(), []);
	assert.match(c.logs(), /CPU limit has changed \(cgroup quota 2 CPUs/);
});

test("memory: a worker that grows is replaced before the kernel has to", async () => {
	const c = await untilReady(startApp("--memory", "300m", "--cpus", "1", "-e", "SIOINIT_MAX_MEMORY=130M"));
	const stopLoad = load(c.http);

	for (let i = 0; i < 3; i++) {
		const { pid } = await whoAt(c, "/grow?100");
		await until("the next worker", async () => (await whoAt(c)).pid !== pid);
		await until("the end of the one before", () => deathsOf(c).includes(`pid=${pid} `));
	}
	assert.deepStrictEqual(await stopLoad(), []);
	assert.doesNotMatch(deathsOf(c), /signal=/);
	assert.match(c.logs(), /SIOINIT_MAX_MEMORY/);
});

test("memory: a worker that the kernel kills is replaced, and the container lives on", async () => {
	const c = await untilReady(startApp("--memory", "200m", "--memory-swap", "200m", "--cpus", "1"));
	const { pid } = await whoAt(c, "/devour?20");

	await until("its end", () => deathsOf(c).includes(`pid=${pid} signal=KILL`));
	assert.match(deathsOf(c), /signal=KILL .* oom=yes/);
	await until("the next worker", async () => (await get(c.admin, "/readyz")).status === 200 && (await whoAt(c)).pid !== pid);
	assert.strictEqual(podman("exec", c.id, "sioinit", "health", "--ready").code, 0);
	assert.ok(c.running());
});
