// The image of examples/docker with examples/chat: sioinit as PID 1, without privileges, on a read-only root.
const assert = require("assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const test = require("node:test");
const { CHAT, PORTS, SIOINIT, buildChat, get, must, needPodman, podman, root, start, until, untilReady } = require("./podman.js");

needPodman("docker.io/library/debian:bookworm-slim", "docker.io/library/node:22-bookworm-slim");
buildChat();

const LOCKED = ["--read-only", "--read-only-tmpfs=false", "--user", "12345", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];

const serve = (...options) => untilReady(start([...LOCKED, ...PORTS, ...options], CHAT));

const workersOf = (c) => c.processes().filter((p) => p.command.startsWith("node worker.js"));

// Engine.IO by hand: handshake, connect to the namespace, first event (the worker's number).
async function session(c) {
	const url = "/socket.io/?EIO=4&transport=polling";
	const { sid } = JSON.parse((await get(c.http, url)).body.slice(1));
	const own = `${url}&sid=${sid}`;
	const post = await get(c.http, own, { method: "POST", body: "40" });
	assert.strictEqual(post.body, "ok");
	let body = "";
	await until("the worker says its number", async () => (body += (await get(c.http, own)).body).includes("worker"));
	return /\["worker","(\d+)"\]/.exec(body)[1];
}

test("the image: user, ports, stop signal, health check, one small binary", () => {
	const { Config: image, Healthcheck: health } = JSON.parse(must("image", "inspect", CHAT))[0];
	assert.strictEqual(image.User, "node");
	assert.deepStrictEqual(Object.keys(image.ExposedPorts), ["8080/tcp"]);
	assert.strictEqual(image.StopSignal, "SIGTERM");
	assert.deepStrictEqual(health.Test, ["CMD", "sioinit", "health", "--ready"]);
	assert.deepStrictEqual([image.Entrypoint, image.Cmd], [["sioinit"], ["worker.js"]]);
	const labels = JSON.parse(must("image", "inspect", "-f", "{{json .Labels}}", SIOINIT));
	assert.deepStrictEqual([labels["org.opencontainers.image.title"], labels["org.opencontainers.image.licenses"]], ["sioinit", "MIT"]);
});

test("sizes are those of docs/docker.md; the SBOM is of the binary that is in the image", () => {
	const size = (name) => Number(must("image", "inspect", "-f", "{{.Size}}", name));
	const added = size(SIOINIT) - size("docker.io/library/node:22-bookworm-slim");
	const told = Number(/^\| `sioinit:node22` \| [^|]* \| ([0-9.]+) MB \|/m.exec(fs.readFileSync(path.join(root, "docs/docker.md"), "utf8"))[1]) * 1e6;
	assert.ok(Math.abs(added - told) < 0.1 * told && added < 2.1e6, `${added} bytes`);
	const [sum, ...sbom] = must("run", "--rm", "--entrypoint", "sh", SIOINIT, "-c", "sha256sum </usr/local/bin/sioinit && cat /usr/local/share/sbom/sioinit.cdx.json").split("\n");
	assert.strictEqual(JSON.parse(sbom.join("\n")).metadata.component.hashes[0].content, sum.split(" ")[0]);
});

test("locked down: is PID 1, serves, workers follow the quota, sessions reach all of them", async () => {
	const c = await serve("--cpus", "1.5");
	const expected = Math.min(2, os.availableParallelism());

	assert.match(c.exec("sh", "-c", "tr '\\0' ' ' </proc/1/cmdline"), /^sioinit worker\.js/);
	assert.match(c.exec("cat", "/proc/1/status"), /^Uid:\s+12345\s[^]*^CapEff:\s+0+$[^]*^NoNewPrivs:\s+1$/m);
	await until("all workers are there", () => workersOf(c).length === expected);
	const seen = new Set();
	await until("every worker has had a session", async () => seen.add(await session(c)).size === expected);
	assert.strictEqual((await get(c.http, "/")).status, 200);
	assert.strictEqual((await get(c.admin, "/livez")).status, 200);
});

test("half a CPU: one worker", async () => {
	const c = await serve("--cpus", "0.5");
	assert.strictEqual(workersOf(c).length, 1);
});

test("health check: 0 while ready", async () => {
	const c = await serve();
	assert.strictEqual(c.tryExec("sioinit", "health", "--ready").code, 0);
	assert.strictEqual(podman("healthcheck", "run", c.id).code, 0);
});

test("orphans of `exec` are reaped", async () => {
	const c = await serve();
	c.exec("sh", "-c", "sleep 1 & :");
	const orphan = await until("the orphan is ours", () => c.processes().find((p) => p.name === "sleep" && p.ppid === 1));
	await until("it is reaped", () => !c.processes().some((p) => p.pid === orphan.pid));
	assert.deepStrictEqual(c.processes().filter((p) => p.state === "Z"), []);
	assert.strictEqual((await get(c.admin, "/readyz")).status, 200);
});

test("a killed worker is replaced", async () => {
	const c = await serve("--cpus", "1.5");
	const [victim] = workersOf(c);
	const before = workersOf(c).length;
	c.exec("sh", "-c", `kill -KILL ${victim.pid}`);
	await until("another one is there", () => {
		const now = workersOf(c);
		return now.length === before && !now.some((p) => p.pid === victim.pid);
	});
});

test("kill -TERM 1: exit status 0", async () => {
	const c = await serve();
	c.exec("sh", "-c", "kill -TERM 1");
	assert.strictEqual(c.wait(), 0, c.logs());
});

test("podman stop: exit status 0, long before the KILL", async () => {
	const c = await serve();
	const t0 = Date.now();
	must("stop", "-t", "20", c.id);
	assert.ok(Date.now() - t0 < 15000, `${Date.now() - t0} ms`);
	assert.strictEqual(c.exitCode(), 0, c.logs());
});

test("wrong settings: exit status 78 and a line that says so", () => {
	const r = podman("run", "--rm", "-e", "SIOINIT_WORKRES=2", CHAT);
	assert.strictEqual(r.code, 78);
	assert.match(r.err, /SIOINIT_WORKERS/);
});
