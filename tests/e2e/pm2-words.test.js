// What pm2's users type: words for what runs, and ways to start it.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const harness = require("./harness");

const { get, until } = harness;
const cwd = path.join(__dirname, "fixtures", "pm2-words");
const told = async (s) => JSON.parse((await get(s.port, "/")).body);

// Runs body with a sioinit that ends with code 0, and with cli(), which speaks to it.
async function withInstance(args, env, body) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const socket = { SIOINIT_ADMIN_SOCKET: `${dir}/admin.sock` };
	const s = await harness.start(args, { SIOINIT_DRAIN_TIME: "0.2", ...env, ...socket }, cwd);
	const cli = (...words) => harness.run(words, { ...socket, SIOINIT_ADMIN: String(s.admin) });
	const status = async () => JSON.parse((await cli("jlist")).out);
	try {
		await body({ s, cli, status });
	} finally {
		assert.strictEqual(await s.stop(), 0, s.log);
		fs.rmSync(dir, { recursive: true });
	}
}

test("start FILE --env NAME --only A,B: those apps with those variables", () =>
	withInstance(["start", "ecosystem.config.js", "--env", "staging", "--only", "api,mailer", "--no-daemon", "--web", "9615"], {}, async ({ s, status }) => {
		const { workers, sidecars } = await status();
		assert.strictEqual(workers.length, 2);
		assert.deepStrictEqual(sidecars.map((x) => x.name), ["mailer"]);
		assert.strictEqual((await told(s)).who, "staging");
		assert.match(s.log, /--web: no effect: /);
		assert.doesNotMatch(s.log, /--no-daemon/);
	}));

test("words for what runs: names, slots and all", () => withInstance(["start"], {}, async ({ cli, status }) => {
	const pids = async () => (await status()).workers.map((w) => w.pid);
	const before = await pids();
	assert.match((await cli("ls")).out, /SLOT +PID/);
	assert.match((await cli("describe", "1")).out, new RegExp(`slot +1\npid +${before[1]}\nstate +ready\n`));
	assert.strictEqual((await cli("pid", "api")).out, before.map((pid) => `${pid}\n`).join(""));
	assert.strictEqual((await cli("id", "api")).out, "[ 0, 1 ]\n");
	assert.deepStrictEqual(await cli("restart", "nobody"), { code: 2, out: 'no app or slot "nobody" here, but api, log_worker, mailer (sioinit status has the slots)\n' });

	const sidecar = (await cli("pid", "log-worker")).out;
	assert.strictEqual((await cli("restart", "log-worker", "--update-env")).code, 0);
	await until(async () => ![sidecar, ""].includes((await cli("pid", "log-worker")).out), "the next one");
	assert.deepStrictEqual(await pids(), before);
	assert.deepStrictEqual(await cli("gracefulReload", "api", "--update-env"), { code: 0, out: "reloaded\n" });
	assert.ok((await pids()).every((pid, i) => pid !== before[i]));
	assert.match((await cli("reload", "ecosystem.config.js", "--env", "production")).out, /ecosystem.config.js is read at the start of sioinit only\nreloaded/);

	for (const [words, n] of [[["scale", "api", "+1"], 3], [["scale", "-2"], 1], [["scale", "api", "2"], 2]]) {
		assert.strictEqual((await cli(...words)).code, 0);
		await until(async () => (await status()).workers.length === n, words.join(" "));
	}
	assert.strictEqual((await cli("scale", "mailer", "2")).code, 2);
	assert.strictEqual((await cli("scale", "-2")).code, 2);
	assert.match((await cli("stop", "0")).out, /one alone is not stopped/);
	assert.strictEqual((await cli("ping")).code, 0);
}));

test("stop and kill stop sioinit, sendSignal signals", () => withInstance(["start", "told.js", "-i", "2", "--name", "tell"], {}, async ({ s, cli, status }) => {
	const [{ pid }] = (await status()).workers;
	assert.strictEqual((await cli("sendSignal", "SIGKILL", "0")).code, 0);
	await until(async () => (await status()).workers[0].pid !== pid, "another worker");
	assert.deepStrictEqual(await cli("kill", "--silent"), { code: 0, out: "stopping\n" });
	assert.strictEqual(await s.ended, 0);
}));

test("what there is nothing to do for is said and is no failure; what something else does is one", async () => {
	for (const words of [["save"], ["save", "--force"], ["flush"], ["startup"], ["install", "pm2-logrotate"], ["set", "a", "b"], ["update"]]) {
		const r = await harness.run(words);
		assert.strictEqual(r.code, 0, r.out);
		assert.match(r.out, new RegExp(`^sioinit ${words[0]}: .+\n$`));
	}
	for (const words of [["deploy", "production", "setup"], ["trigger", "0", "x"], ["env", "0"], ["ecosystem"]])
		assert.strictEqual((await harness.run(words)).code, 2, words.join(" "));
});

const starts = [
	[["start", "told.js"], { workers: 1 }],
	[["start", "told.js", "-i", "2", "--node-args", "--stack-trace-limit=7", "--", "--port", "x"], { workers: 2, argv: ["--port", "x"], execArgv: ["--stack-trace-limit=7"] }],
	[["-i", "2", "told.js", "-i", "x"], { workers: 2, argv: ["-i", "x"] }],
	[["start", "npm", "--", "start"], { workers: 1, argv: ["by", "npm"] }],
	[["start", "node told.js a 'b c'"], { workers: 1, argv: ["a", "b c"] }],
	[["start", "./start", "--interpreter", "node"], { workers: 1 }],
	[["env", "WHO=it", "node", "told.js"], { workers: 2, who: "it" }, { SIOINIT_WORKERS: "2" }],
	[["ecosystem.config.js", "--only", "api", "-i", "1", "--raw"], { workers: 1, who: "all" }],
];
for (const [args, { workers, argv = [], execArgv = [], who }, env] of starts)
	test(`${args.join(" ")}`, () => withInstance(args, env, async ({ s, status }) => {
		const t = await told(s);
		const named = t.execArgv.filter((word) => word !== "--enable-source-maps"); // which pm2 does from within
		assert.deepStrictEqual([t.argv, named, t.who], [argv, execArgv, who]);
		assert.strictEqual((await status()).workers.length, workers);
	}));

test("what cannot be as it was under pm2 is refused", async () => {
	for (const [args, what] of [
		[["start", "a.js", "b.js"], /b\.js: only one file or program is started/],
		[["start", "told.js", "--no-autostart"], /--no-autostart: nothing would run/],
		[["start", "told.js", "--max-memory-restart", "much"], /max_memory_restart/],
		[["start", "ecosystem.config.js", "--only", "api,nobody"], /no app \W+nobody\W+ in it, but api, log-worker, mailer/],
		[["start", "told.js", "-i"], /-i wants a value/],
	]) {
		const r = await harness.run(args.map((a) => (/\.js$/.test(a) ? path.join(cwd, a) : a)));
		assert.strictEqual(r.code, 78, r.out);
		assert.match(r.out, what);
	}
});
