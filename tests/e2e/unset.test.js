// What nobody has set is never fatal, and decides nothing that the app decides for itself.
const test = require("node:test");
const assert = require("node:assert");
const { spawn } = require("child_process");
const http = require("http");
const path = require("path");
const { get, run, until, freePort } = require("./harness");

const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SIOINIT_|PM2_|PORT$)/.test(name)));

// Without any of the settings that the harness would give.
async function withBare(env, body) {
	const p = spawn(process.env.BIN_UNDER_TEST, ["port-file.js"], { env: { ...bare, SIOINIT_WORKERS: "1", ...env }, cwd: path.join(__dirname, "fixtures") });
	const self = { log: "", pid: p.pid, kill: (signal) => p.kill(signal) };
	p.stderr.on("data", (d) => (self.log += d));
	const ended = new Promise((resolve) => p.on("exit", (code, signal) => resolve(code ?? signal)));
	try {
		await body(self);
	} finally {
		p.kill("SIGTERM");
		assert.strictEqual(await ended, 0, self.log);
	}
}

const link = (name) => ({ [`${name}_PORT`]: "tcp://10.96.0.10:80", [`${name}_SERVICE_HOST`]: "10.96.0.10", [`${name}_SERVICE_PORT`]: "80", [`${name}_PORT_80_TCP`]: "tcp://10.96.0.10:80", [`${name}_PORT_80_TCP_ADDR`]: "10.96.0.10" });

test("a service link is no setting, whatever the service is called", async () => {
	for (const name of ["PM2", "SIOINIT", "SIOINIT_ADMIN", "SIOINIT_WORKER"]) {
		const r = await run(["check", "plain.js"], link(name));
		assert.strictEqual(r.code, 0, r.out);
		const isSetting = name !== "SIOINIT_ADMIN";
		assert.strictEqual(r.out.includes(`passed over, as Kubernetes or Docker has set them for a service: ${name}_PORT"`), isSetting, r.out);
	}
	const wrong = await run(["check", "plain.js"], { PM2_PORT: "80a" });
	assert.strictEqual(wrong.code, 78);
});

test("without a PORT the app listens where its own file says; with one, there", async () => {
	const [ofFile, set] = [await freePort(), await freePort()];
	const says = (port) => async () => String((await get(port, "/")).body);
	await withBare({ PORT_OF_FILE: ofFile, SIOINIT_ADMIN: "off" }, () => until(async () => (await says(ofFile)()) === String(ofFile), "the file's port"));
	await withBare({ PORT_OF_FILE: ofFile, PORT: set, SIOINIT_ADMIN: "off" }, () => until(async () => (await says(set)()) === String(set), "the port that is set"));
});

test("a default admin address that is taken is said, and health does not believe its owner", async (t) => {
	const other = http.createServer((req, res) => res.end("another"));
	const taken = await new Promise((resolve) => other.once("error", () => resolve(false)).listen(9090, "127.0.0.1", () => resolve(true)));
	if (!taken) return t.skip("9090 is in use here");
	const port = await freePort(), socket = path.join(require("os").tmpdir(), `sioinit-unset-${process.pid}.sock`);
	try {
		await withBare({ PORT: port, SIOINIT_ADMIN_SOCKET: socket }, async (s) => {
			await until(async () => (await get(port, "/")).status === 200, "it serves");
			await until(() => run(["status"], { SIOINIT_ADMIN_SOCKET: socket }).then((r) => r.code === 0), "its commands");
			assert.match(s.log, /admin address 127\.0\.0\.1:9090, the default: Address already in use; .*set SIOINIT_ADMIN/);
			const health = await run(["health"], { SIOINIT_ADMIN_SOCKET: socket });
			assert.strictEqual(health.code, 1);
			assert.match(health.out, /was taken when sioinit started/);
		});
		const r = await run(["plain.js"], { PORT: port, SIOINIT_ADMIN: "127.0.0.1:9090" });
		assert.strictEqual(r.code, 78);
	} finally {
		other.close();
	}
});
