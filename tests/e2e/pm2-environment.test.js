// What an app sees of its environment, its arguments and its place: the same as under the real pm2-runtime. And pm2's own schema: every key of it is in our table.
const test = require("node:test");
const assert = require("node:assert");
const { spawn } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { run, until, freePort } = require("./harness");

const pm2 = path.join(__dirname, "pm2", "node_modules", "pm2");
const TOLD = ["pm_id", "name", "exec_mode", "instances", "pm_exec_path", "pm_cwd", "NODE_APP_INSTANCE", "PYTHONUNBUFFERED"];
const OWN = ["SLOT", "FOO", "GREETING", "OBJECT", "SECRET_KEY", "MY_SECRET", "KEPT", "NODE_ENV"];

// Says what it sees in a file of its own. mapped.js has a map that says that it was original.ts.
const app = `
const fs = require("fs"), path = require("path"), e = process.env;
const seen = {
	env: Object.fromEntries([...${JSON.stringify([...TOLD, ...OWN])}, ...(e.ALSO ?? "").split(",")].filter((k) => k in e).map((k) => [k, e[k]])),
	args: process.argv.slice(2).filter((a) => !a.includes("ecosystem")),
	execArgv: process.execArgv.filter((a) => a !== "--enable-source-maps"),
	cwd: process.cwd(),
	mapped: require(e.MAPPED)().includes("original.ts"),
};
fs.writeFileSync(path.join(e.SEEN, process.pid + ".part"), JSON.stringify(seen));
fs.renameSync(path.join(e.SEEN, process.pid + ".part"), path.join(e.SEEN, process.pid + ".json"));
if (e.PORT) require("http").createServer((req, res) => res.end("x")).listen(e.PORT, "127.0.0.1");
else setInterval(() => {}, 1000);
`;
const map = Buffer.from(JSON.stringify({ version: 3, sources: ["original.ts"], names: [], mappings: "AAAA" })).toString("base64");

function place(t, apps) {
	const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-")));
	t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
	for (const sub of ["bin", "lib", "sioinit", "pm2", "home"]) fs.mkdirSync(path.join(dir, sub));
	for (const file of ["app.js", "job.js", "lib/app.js"]) fs.writeFileSync(path.join(dir, file), app);
	fs.writeFileSync(path.join(dir, "mapped.js"), `module.exports = () => new Error().stack;\n//# sourceMappingURL=data:application/json;base64,${map}\n`);
	fs.writeFileSync(path.join(dir, "bin", "tool"), `#!/usr/bin/env node\n${app}`, { mode: 0o755 });
	fs.symlinkSync(process.execPath, path.join(dir, "bin", "python-as-it-were"));
	fs.writeFileSync(path.join(dir, "ecosystem.config.js"), `module.exports = ${JSON.stringify({ apps })};`);
	return dir;
}

// What all instances see, in the order of their numbers. @n is how many there are.
async function seenUnder(which, command, dir, n, env) {
	const seen = path.join(dir, which), port = String(await freePort());
	const p = spawn(command[0], command.slice(1), {
		cwd: dir,
		env: { PATH: `${dir}/bin:${process.env.PATH}`, HOME: path.join(dir, "home"), SEEN: seen, MAPPED: path.join(dir, "mapped.js"), PORT: port, ...env },
	});
	let out = "";
	for (const stream of [p.stdout, p.stderr]) stream.on("data", (d) => (out += d));
	const ended = new Promise((resolve) => p.on("exit", resolve));
	const files = () => fs.readdirSync(seen).filter((f) => f.endsWith(".json"));
	try {
		await until(() => files().length >= n, `${n} instances under ${which}`);
		const all = files().map((f) => JSON.parse(fs.readFileSync(path.join(seen, f))));
		return all.sort((a, b) => a.env.pm_id - b.env.pm_id);
	} catch (err) {
		throw new Error(`${err.message}\n${out}`, { cause: err });
	} finally {
		p.kill("SIGTERM");
		const timer = setTimeout(() => p.kill("SIGKILL"), 15000);
		await ended;
		clearTimeout(timer);
	}
}

// Both, one beside the other; one app after another, since pm2 numbers those that it starts at the same time by chance.
async function sameUnderBoth(t, apps, n, { env = {}, name } = {}) {
	const dir = place(t, apps);
	const runtime = [process.execPath, path.join(pm2, "bin", "pm2-runtime"), "ecosystem.config.js", ...(name ? ["--env", name] : [])];
	const own = name ? { NODE_ENV: name } : {};
	const [here, there] = await Promise.all([
		seenUnder("sioinit", [process.env.BIN_UNDER_TEST, "ecosystem.config.js"], dir, n, { SIOINIT_ADMIN: "off", SIOINIT_ADMIN_SOCKET: "off", ...own, ...env }),
		seenUnder("pm2", runtime, dir, n, { PM2_CONCURRENT_ACTIONS: "1", PM2_HOME: path.join(dir, "home"), ...own, ...env }),
	]);
	assert.deepStrictEqual(here, there);
	return here;
}

test("several apps: numbers through all of them, names, and who is a cluster", async (t) => {
	const seen = await sameUnderBoth(t, [
		{ name: "mailer", script: "job.js", env: { PORT: "" } },
		{ script: "./app.js", instances: 2, exec_mode: "cluster", increment_var: "FOO", env: { FOO: 10, GREETING: "good day", OBJECT: { a: [1] } } },
		{ name: "late", script: "job.js", instances: 1, instance_var: "SLOT", args: "a 'b c'", env: { PORT: "" } },
		{ name: "snake", script: "job.js", interpreter: "python-as-it-were", env: { PORT: "" } },
	], 5);
	assert.deepStrictEqual(seen.map((s) => `${s.env.pm_id} ${s.env.name} ${s.env.NODE_APP_INSTANCE ?? s.env.SLOT} ${s.env.FOO ?? "-"}`),
		["0 mailer 0 -", "1 app 0 10", "2 app 1 11", "3 late 0 -", "4 snake 0 -"]);
	assert.strictEqual(seen[4].env.PYTHONUNBUFFERED, "1");
	assert.ok(seen[1].mapped, "source maps are on");
});

test("one app: its directory, its arguments, what it is not to see, and its environment's name", async (t) => {
	const [seen] = await sameUnderBoth(t, [
		{ name: "web", script: "app.js", cwd: "./lib/", args: ["--room", "the lobby"], append_env_to_name: true, filter_env: ["SECRET"],
			env: { GREETING: "hello" }, env_production: { GREETING: "good day" } },
	], 1, { name: "production", env: { SECRET_KEY: "1", MY_SECRET: "2", KEPT: "3" } });
	assert.deepStrictEqual([seen.env.name, seen.env.GREETING, seen.env.SECRET_KEY, seen.env.MY_SECRET, seen.env.KEPT, seen.env.exec_mode],
		["web-production", "good day", undefined, undefined, "3", "fork_mode"]);
});

test("a script from PATH, its interpreter's arguments, no source maps, and the variable that pm2 itself is told", async (t) => {
	const seen = await sameUnderBoth(t, [
		{ script: "tool", args: "start --fast", instances: 2, interpreter_args: "--stack-trace-limit=7", disable_source_map_support: true, filter_env: "SECRET_KEY" },
	], 2, { env: { SECRET_KEY: "1", MY_SECRET: "2", PM2_PROCESS_INSTANCE_VAR: "SLOT" } });
	assert.deepStrictEqual(seen.map((s) => [s.env.SLOT, s.env.NODE_APP_INSTANCE, s.env.SECRET_KEY, s.mapped]),
		[["0", undefined, undefined, false], ["1", undefined, undefined, false]]);
});

test("increment_var for PORT: a port of its own for each", async (t) => {
	const port = await freePort();
	const seen = await sameUnderBoth(t, [
		{ script: "app.js", instances: 2, increment_var: "PORT", filter_env: true, env: { PORT: port, ALSO: "PORT", SECRET_KEY: "x" } },
	], 2, { env: { PORT: undefined, MY_SECRET: "2" } });
	assert.deepStrictEqual(seen.map((s) => s.env.PORT), [String(port), String(port + 1)]);
});

test("--inspect: a port for each worker, and any port is any port", async (t) => {
	const at = await freePort();
	const dir = place(t, []);
	const ports = async (args, env) =>
		(await seenUnder("sioinit", [process.env.BIN_UNDER_TEST, ...args, "app.js"], dir, 2, { SIOINIT_ADMIN: "off", SIOINIT_WORKERS: "2", ...env }))
			.map((s) => s.execArgv.join(" ") + (s.env.NODE_OPTIONS ?? ""));
	assert.deepStrictEqual(await ports(["node", `--inspect=127.0.0.1:${at}`], {}), [`--inspect=127.0.0.1:${at}`, `--inspect=127.0.0.1:${at} --inspect-port=${at + 1}`]);
	fs.readdirSync(path.join(dir, "sioinit")).forEach((f) => fs.rmSync(path.join(dir, "sioinit", f)));
	assert.deepStrictEqual(await ports([], { NODE_OPTIONS: `--inspect=${at}`, ALSO: "NODE_OPTIONS" }), [`--inspect=${at}`, `--inspect=${at} --inspect-port=${at + 1}`]);
});

test("every key of pm2's schema is in the table, and the table is in the documentation", async () => {
	const { schema } = require(path.join(pm2, "lib", "tools", "Config.js"));
	const { out, code } = await run(["migrate", "--keys"]);
	assert.strictEqual(code, 0, out);
	const ours = new Set(out.split("\n").flatMap((line) => (line.split("|")[1] ?? "").match(/[a-z0-9_]+/g) ?? []));
	const snake = (key) => key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
	const theirs = Object.entries(schema).flatMap(([key, { alias = [] }]) => (key.includes("\\") ? [] : [key, ...alias]));
	assert.ok(theirs.length > 80, String(theirs.length));
	assert.deepStrictEqual(theirs.filter((key) => !ours.has(snake(key))), []);
	const page = fs.readFileSync(path.join(__dirname, "..", "..", "docs", "compatibility.md"), "utf8");
	assert.ok(page.includes(out), "run script/docs");
});
