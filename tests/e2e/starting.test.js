// The phase, wherever it is said: "starting" until the first worker is ready, which is when /readyz says 200.
const test = require("node:test");
const assert = require("node:assert");
const { spawn } = require("child_process");
const fs = require("fs");
const path = require("path");
const { get, until, freePort } = require("./harness");

test("starting, serving, lame-duck", async () => {
	const [port, admin] = [await freePort(), await freePort()];
	const dir = fs.mkdtempSync("/tmp/sioinit-");
	const go = path.join(dir, "go");
	fs.writeFileSync(path.join(dir, "app.js"), `
		const fs = require("fs");
		const look = () => (fs.existsSync("${go}") ? require("http").createServer((q, r) => r.end("ok")).listen(process.env.PORT) : setTimeout(look, 20));
		look();`);
	const p = spawn(process.env.BIN_UNDER_TEST, ["app.js"], {
		cwd: dir,
		env: { ...process.env, SIOINIT_PORT: port, SIOINIT_ADMIN: admin, SIOINIT_WORKERS: "2", SIOINIT_SHUTDOWN_DELAY: "2" },
	});
	const ended = new Promise((resolve) => p.on("exit", resolve));
	const body = async (url) => String((await get(admin, url)).body);
	const phase = async () => JSON.parse(await body("/status")).phase;
	const phases = async () => [...(await body("/metrics")).matchAll(/^sioinit_phase{phase="(.*)"} 1$/gm)].map((m) => m[1]);
	try {
		await until(async () => (await get(admin, "/livez")).status === 200, "the router");
		assert.strictEqual(await phase(), "starting");
		assert.deepStrictEqual(await phases(), ["starting"]);
		assert.strictEqual((await get(admin, "/readyz")).status, 503);
		assert.match(await body("/readyz"), /^starting: no worker is ready yet\n$/);
		fs.writeFileSync(go, "");
		await until(async () => (await get(admin, "/readyz")).status === 200, "a worker");
		assert.strictEqual(await phase(), "serving");
		assert.deepStrictEqual(await phases(), ["serving"]);
		p.kill("SIGTERM");
		await until(async () => (await phase()) === "lame-duck", "the stop");
		assert.strictEqual((await get(admin, "/readyz")).status, 503);
	} finally {
		p.kill("SIGTERM");
		assert.strictEqual(await ended, 0);
		fs.rmSync(dir, { recursive: true });
	}
});
