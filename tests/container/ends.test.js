// How workers end when sioinit is PID 1 of a container: the exit code that the platform sees, what it is told, and who is asked
// to stop.
const assert = require("assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const test = require("node:test");
const { PORTS, SIOINIT, buildSioinit, must, needPodman, root, start, until, untilReady } = require("./podman.js");

needPodman("docker.io/library/node:22-bookworm-slim");
buildSioinit();

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ends-"));
fs.chmodSync(folder, 0o755);
test.after(() => fs.rmSync(folder, { recursive: true }));
const APP = ["-v", `${path.join(root, "tests/e2e/fixtures")}:/app/fixtures:ro`, "-w", "/app/fixtures"];
const env = (settings) => Object.entries(settings).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
const run = (settings, ...options) => start([...APP, ...env({ SIOINIT_WORKERS: "1", STARTS: "/dev/stdout", ...settings }), ...options], SIOINIT, "ends.js");
// Each start is a line with the worker's pid alone.
const starts = (c) => c.logs().split("\n").filter((l) => /^\d+$/.test(l)).length;

for (const way of ["exit", "close"]) {
	test(`${way}: never is never`, () => {
		const c = run({ ENDS_BY: way, SIOINIT_RESTART: "never" });
		assert.strictEqual(c.wait(), 7, c.logs());
		assert.strictEqual(starts(c), 1, c.logs());
	});
	test(`${way}: the container of a loop ends with the worker's code`, () => {
		const c = run({ ENDS_BY: way, SIOINIT_START_LIMIT: "2/60", SIOINIT_RESTART_DELAY: "0.01" });
		assert.strictEqual(c.wait(), 7, c.logs());
		assert.strictEqual(starts(c), 3, c.logs());
	});
}

test("the platform is told the reason, with the last words", () => {
	const log = path.join(folder, "termination-log");
	fs.writeFileSync(log, "");
	fs.chmodSync(log, 0o666); // as the kubelet makes it
	const c = run({ ENDS_BY: "throw", SIOINIT_RESTART: "never" }, "-v", `${log}:/dev/termination-log`);
	assert.strictEqual(c.wait(), 1, c.logs());
	const said = fs.readFileSync(log, "utf8");
	assert.match(said, /^exit code 1\n.*ended pid=\d+ code=1/);
	assert.match(said, /Error: thrown/);
});

test("an app under sh -c has the stop signal and its time", async () => {
	const saved = fs.mkdtempSync(path.join(folder, "saved-"));
	fs.chmodSync(saved, 0o777);
	const c = await untilReady(start([...PORTS, ...APP, "-v", `${saved}:/saved`, ...env({ SIOINIT_WORKERS: "1", MARK: "/saved/mark" })], SIOINIT, "sh", "-c", "node graceful.js; true"));
	must("stop", "-t", "20", c.id);
	assert.strictEqual(c.exitCode(), 0, c.logs());
	await until("the app has saved", () => /saved/.test(fs.readFileSync(path.join(saved, "mark"), "utf8")));
});
