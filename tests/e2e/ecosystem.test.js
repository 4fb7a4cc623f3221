// pm2's ecosystem file: run as it is, and migrated.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, get, until, freePort, routerOf } = require("./harness");

const dir = path.join(__dirname, "fixtures", "ecosystem");
const file = path.join(dir, "ecosystem.config.js");
const chat = { SIOINIT_ECOSYSTEM_APP: "chat", NODE_ENV: "production" };
const temporary = () => fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));

async function told(s) {
	return JSON.parse((await get(s.port, "/")).body);
}

test("the app runs as the file says, and pm2's signal ends it", async () => {
	const s = await start([file], chat);
	try {
		const t = await told(s);
		assert.deepStrictEqual(t.args, ["--room", "the lobby"]);
		assert.deepStrictEqual(t.execArgv, ["--enable-source-maps", "--stack-trace-limit=7"]);
		assert.strictEqual(t.cwd, path.join(dir, "app"));
		assert.strictEqual(t.env.GREETING, "good day");
		assert.strictEqual(t.env.NODE_ENV, "production");
		assert.strictEqual(t.env.PORT, String(s.port), "the environment's port is before the file's");
		assert.strictEqual(t.env.SIOINIT_WORKERS, "2");
		assert.match(s.log, /no effect: deploy/);
		assert.match(s.log, /evaluated/);
		assert.strictEqual(s.out.includes("evaluated"), false, "stdout is the workers'");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
	assert.strictEqual(s.out.split("SIGINT").length - 1, 2);
});

test("wait_ready: listening is not enough", async () => {
	const s = await start(["--ecosystem", file, "--workers", "1"], chat);
	try {
		const said = Number(s.out.match(/ready at (\d+)/)[1]);
		const believed = Date.parse(s.log.match(/time=(\S+) .*worker\[0\]: booting -> ready/)[1]);
		assert.ok(believed >= said, `${believed} is before ${said}`);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("exp_backoff_restart_delay is the first pause", async () => {
	const s = await start([file], { ...chat, SIOINIT_WORKERS: "1" });
	try {
		const { pid } = await told(s);
		await get(s.port, "/fail").catch(() => {});
		await until(async () => (await told(s)).pid !== pid, "another worker");
		const at = (what) => Date.parse(s.log.match(new RegExp(`time=(\\S+) .*${what}`))?.[1]);
		const pause = await until(async () => at(`spawned -> booting pid=(?!${pid}\\b)`) - at(`ended pid=${pid} `), "both in the log");
		assert.ok(pause >= 240, `${pause} ms`); // 300 less its jitter of 20 %
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});

test("node reads the file once, whatever happens to the router", async () => {
	const tmp = temporary(), count = path.join(tmp, "count");
	const s = await start([file], { ...chat, EVALUATED: count });
	try {
		process.kill(routerOf(s.pid), "SIGKILL");
		await until(async () => (await told(s)).pid > 0, "the next router");
		assert.strictEqual(fs.readFileSync(count, "utf8"), "once\n");
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.rmSync(tmp, { recursive: true });
	}
});

test("autorestart: false ends with the app's own code", async () => {
	const r = await run(["--ecosystem", file, "--ecosystem-app", "jobs"], { SIOINIT_ADMIN: "off", SIOINIT_PORT: String(await freePort()) });
	assert.strictEqual(r.code, 7, r.out);
});

test("check says where each value is from", async () => {
	const r = await run(["check", "--stop-timeout", "9", file], { ...chat, SIOINIT_MAX_MEMORY: "1G" });
	assert.strictEqual(r.code, 0, r.out);
	for (const line of [`SIOINIT_WORKERS=2 (${file}: instances)`, `SIOINIT_PORT=3000 (${file}: env.PORT)`, "SIOINIT_STOP_TIMEOUT=9 (--stop-timeout)",
		"SIOINIT_MAX_MEMORY=1G (SIOINIT_MAX_MEMORY)", `SIOINIT_STOP_SIGNAL=INT (${file}: as pm2)`, "SIOINIT_DRAIN_TIME=5 (default)"])
		assert.ok(r.out.includes(`${line}\n`), `${line} is not in\n${r.out}`);
});

test("what is wrong is one line, and ends with 78", async () => {
	const web = await run([file], { SIOINIT_ECOSYSTEM_APP: "web" });
	assert.strictEqual(web.code, 78);
	assert.match(web.out, /no app \W+web\W+ in it, but chat, jobs \(SIOINIT_ECOSYSTEM_APP\)/);
	const none = await run(["nowhere.config.js"]);
	assert.strictEqual(none.code, 78);
	assert.match(none.out, /nowhere.config.js: No such file or directory/);
	const tmp = temporary(), broken = path.join(tmp, "ecosystem.config.cjs");
	fs.writeFileSync(broken, "module.exports = {");
	const r = await run([broken]);
	assert.strictEqual(r.code, 78);
	assert.match(r.out, /SyntaxError/);
	assert.match(r.out, /node cannot read it \(what it says is above\)/);
	fs.rmSync(tmp, { recursive: true });
});

// The lines of one section of `migrate`.
const section = (out, title) => out.split(/\n(?=# )/).find((s) => s.startsWith(`# ${title}`)).trim().split("\n").slice(1);

test("migrate: its environment means the same as the file", async () => {
	const r = await run(["migrate", file, "chat"], { NODE_ENV: "production" });
	assert.strictEqual(r.code, 0, r.out);
	const env = section(r.out, "environment");
	assert.ok(env.includes("GREETING=good day"));
	assert.deepStrictEqual(section(r.out, "Dockerfile"), [
		`WORKDIR ${dir}/app`,
		'ENTRYPOINT ["sioinit"]',
		'CMD ["node", "--enable-source-maps", "--stack-trace-limit=7", "./server.js", "--room", "the lobby"]',
	]);
	assert.match(r.out, /# watch: workers are replaced one by one/);
	assert.match(r.out, /# deploy: /);

	const tmp = temporary(), settings = path.join(tmp, "settings");
	fs.writeFileSync(settings, env.filter((line) => line.startsWith("SIOINIT_")).join("\n"));
	const strip = (out) => out.split("\n").filter((l) => /^SIOINIT_(?!CONFIG|ECOSYSTEM)/.test(l)).map((l) => l.replace(/ \(.*/, ""));
	const migrated = await run(["check"], { SIOINIT_CONFIG: settings });
	const direct = await run(["check", file], chat);
	assert.deepStrictEqual(strip(migrated.out), strip(direct.out));
	fs.rmSync(tmp, { recursive: true });
});

test("migrate: YAML, and misuse", async () => {
	const tmp = temporary(), yaml = path.join(tmp, "pm2.yaml");
	fs.writeFileSync(yaml, "apps:\n  - script: npm start\n    instances: max\n    cron_restart: '0 0 * * *'\n");
	const r = await run(["migrate", yaml]);
	assert.strictEqual(r.code, 0, r.out);
	assert.match(r.out, /\nSIOINIT_WORKERS=max\n/);
	assert.match(r.out, /\nCMD \["npm", "start"\]\n/);
	assert.match(r.out, /^SIOINIT_CRON_RESTART=0 0 \* \* \*$/m);
	fs.rmSync(tmp, { recursive: true });
	const misuse = await run(["migrate"]);
	assert.strictEqual(misuse.code, 2);
	assert.match(misuse.out, /usage: sioinit migrate FILE \[APP\]/);
	assert.strictEqual((await run(["migrate", yaml])).code, 78);
});
