// examples/compose.yaml by docker-compose, which podman serves: the chat behind nginx, restarted, run twice, stopped.
const assert = require("assert");
const { execFile, spawn, spawnSync } = require("child_process");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const test = require("node:test");
const { promisify } = require("util");
const { CHAT, build, buildChat, containerOf, get, image, must, mustMeanwhile, needPodman, root, until } = require("./podman.js");
const { assertChat } = require("./chat.js");

if (spawnSync("docker-compose", ["version"]).status !== 0) {
	console.log("skipped: no docker-compose here");
	process.exit(77);
}
needPodman("docker.io/library/debian:bookworm-slim", "docker.io/library/node:22-bookworm-slim");
buildChat();
const SERVERS = image("sioinit-test-nginx-redis");
build(SERVERS, "tests/container/bases/nginx-redis.Dockerfile", "tests/container/fixtures");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "compose-"));
const socket = path.join(folder, "podman.sock");
const project = path.basename(folder).toLowerCase();
const service = spawn("podman", ["system", "service", "-t", "0", `unix://${socket}`], { stdio: "ignore" });
// docker-compose 1 does not know that front is to be restarted with app: the test does it
const known = fs.readFileSync(path.join(root, "examples/compose.yaml"), "utf8").replace(/^ +restart: true #.*\n/m, "");
const file = path.join(folder, "compose.yaml");
fs.writeFileSync(file, known);
const override = path.join(folder, "override.yaml");
fs.writeFileSync(override, `services:\n  app: { image: "${CHAT}" }\n  redis: { image: "${SERVERS}" }\n  front: { image: "${SERVERS}", stop_signal: SIGQUIT }\n`);

const freePort = () => new Promise((resolve) => {
	const server = net.createServer().listen(0, () => {
		const { port } = server.address();
		server.close(() => resolve(port));
	});
});

let port;
const run = promisify(execFile);
const compose = (...args) => run("docker-compose", ["-p", project, "--project-directory", path.join(root, "examples"), "-f", file, "-f", override, ...args], { env: { ...process.env, DOCKER_HOST: `unix://${socket}`, PORT: String(port) } });
const containers = (of = "") => must("ps", "-aq", "--filter", `label=com.docker.compose.project=${project}`, ...(of ? ["--filter", `label=com.docker.compose.service=${of}`] : [])).split("\n").filter(Boolean);
const inspect = (id, what) => must("inspect", "-f", what, id);

// Docker's part that podman leaves to systemd: health checks, again and again
async function withHealthChecks(work) {
	let over = false;
	const done = work.finally(() => (over = true));
	while (!over) {
		for (const id of [...containers("redis"), ...containers("app")]) await mustMeanwhile("healthcheck", "run", id).catch(() => {});
		await new Promise((r) => setTimeout(r, 500));
	}
	return done;
}

test.before(async () => {
	port = await freePort();
	await until("podman serves", () => fs.existsSync(socket));
});
test.after(async () => {
	await compose("down", "-t", "1");
	service.kill();
	fs.rmSync(folder, { recursive: true });
});

test("up: in order of health, locked down, as many workers as CPUs; polling and WebSocket through nginx", async () => {
	await withHealthChecks(compose("up", "-d", "--no-build"));
	await until("nginx has the page", async () => (await get(port, "/")).status === 200);
	await assertChat(port);
	const [app] = containers("app");
	assert.strictEqual(inspect(app, "{{.State.Health.Status}} {{.HostConfig.ReadonlyRootfs}} {{.EffectiveCaps}}"), "healthy true []");
	assert.match(must("exec", app, "sioinit", "status"), /^ +0 +\d+ ready [^]*^ +1 +\d+ ready /m);
	assert.match(containerOf(app).logs(), /serving on port 8080 with 2 workers/);
});

test("restart: clean, and the chat goes on", async () => {
	const [app] = containers("app");
	await compose("restart", "app");
	await compose("restart", "front");
	await until("it is served again", async () => (await get(port, "/")).status === 200);
	await assertChat(port);
	assert.match(containerOf(app).logs(), /init: done code=0/);
});

test("two containers are one chat", async () => {
	await withHealthChecks(compose("up", "-d", "--no-build", "--scale", "app=2"));
	const urls = containers("app").map((id) => `http://${inspect(id, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")}:8080`);
	assert.strictEqual(urls.length, 2);
	await until("the workers of both listen at Redis", () => (must("exec", ...containers("redis"), "redis-cli", "client", "list").match(/ psub=1 /g) ?? []).length === 4);
	await assertChat(...urls);
});

test("stop: all end by themselves, in time", async () => {
	const begin = Date.now();
	await compose("stop");
	assert.deepStrictEqual(containers().map((id) => inspect(id, "{{.State.ExitCode}}")), ["0", "0", "0", "0"]);
	assert.ok(Date.now() - begin < 25000, `${Date.now() - begin} ms`);
});
