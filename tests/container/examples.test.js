// examples/docker: sioinit copied into images of others, locked down. Stand-ins for bases that come from registries are in bases/.
const assert = require("assert");
const path = require("path");
const test = require("node:test");
const { PORTS, SIOINIT, STATIC, build, buildStatic, image, must, needPodman, podman, root, start, untilReady } = require("./podman.js");
const { assertChat } = require("./chat.js");

const LOCKED = ["--read-only", "--read-only-tmpfs=false", "--user", "12345", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
const DISTROLESS = image("sioinit-test-distroless");
const BUN = image("sioinit-test-bun");

needPodman("docker.io/library/debian:bookworm-slim", "docker.io/library/node:22-bookworm-slim");
buildStatic();

function example(name, sioinit, ...options) {
	const tag = image(`sioinit-example-${name}`);
	build(tag, `examples/docker/Dockerfile.${name}`, "examples/chat", "--build-arg", `SIOINIT=${sioinit}`, ...options);
	return tag;
}

async function assertServes(tag) {
	const c = await untilReady(start([...LOCKED, ...PORTS, "-e", "SIOINIT_WORKERS=2"], tag));
	await assertChat(c.http);
	assert.strictEqual(podman("healthcheck", "run", c.id).code, 0);
	assert.match(c.exec("sioinit", "status"), /^ +0 +\d+ ready [^]*^ +1 +\d+ ready /m);
	must("stop", "-t", "20", c.id);
	assert.strictEqual(c.exitCode(), 0, c.logs());
	return c;
}

test("copied into a base with Node", async () => {
	await assertServes(example("copy", STATIC));
});

test("distroless: no shell, and all the same a health check and a status", async () => {
	build(DISTROLESS, "tests/container/bases/distroless.Dockerfile", "tests/container/fixtures");
	const tag = example("distroless", STATIC, "--build-arg", `BASE=${DISTROLESS}`);
	assert.notStrictEqual(podman("run", "--rm", "--entrypoint", "sh", tag, "-c", ":").code, 0);
	await assertServes(tag);
});

test("Bun", async () => {
	build(BUN, "tests/container/bases/bun.Dockerfile", "tests/e2e/runtimes/node_modules/@oven/bun-linux-x64/bin");
	const tag = image("sioinit-bun");
	build(tag, "Dockerfile", ".", "--build-arg", `BASE=${BUN}`, "--build-arg", "RUN_AS=bun");
	assert.strictEqual(must("image", "inspect", "-f", "{{.User}}", tag), "bun");
	await assertServes(example("bun", tag));
});
