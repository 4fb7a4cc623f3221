// The npm packages as they are published, installed from a registry by each package manager: what has been started is
// sioinit itself, and what its starter is told reaches it.
const test = require("node:test");
const assert = require("node:assert");
const { execFileSync, spawn } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { serve } = require("../registry");
const { children, freePort, get, until } = require("./harness");

const root = path.join(__dirname, "../..");
const machine = { x64: "x86_64", arm64: "aarch64" }[process.arch];
const platformPackage = `sioinit-linux-${process.arch}`;
const work = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-npm-"));
const installed = path.join(__dirname, "wrappers/node_modules");
const bun = path.join(__dirname, `runtimes/node_modules/@oven/bun-linux-${process.arch}/bin/bun`);
const versions = ["18", "22.13", "22", "26"].map((version) => [version, path.join(__dirname, `versions/node_modules/node${version}/bin/node`)]);

const APP = `
	require("http").createServer((req, res) => res.end(process.argv.slice(2).join(" "))).listen(process.env.PORT);
	process.on("SIGTERM", () => process.exit(Number(process.env.APP_ENDS ?? 0)));
	process.send("as cluster-adapter does");
`;
const MANIFEST = { name: "app", private: true, scripts: { start: "sioinit worker.js hello", execed: "exec sioinit worker.js hello" } };

let registry, env;
test.before(async () => {
	const packages = path.join(work, "packages");
	fs.mkdirSync(packages);
	execFileSync(path.join(root, "packaging/npm/build"), [packages, machine, process.env.BIN_UNDER_TEST], { stdio: "pipe" });
	registry = await serve(packages);
	env = { ...process.env, HOME: work, npm_config_registry: registry.url, npm_config_update_notifier: "false" };
	Object.assign(env, { YARN_NPM_REGISTRY_SERVER: registry.url, YARN_UNSAFE_HTTP_WHITELIST: "127.0.0.1", YARN_ENABLE_TELEMETRY: "0" });
});
test.after(() => {
	registry?.close();
	fs.rmSync(work, { recursive: true });
});

function project(name) {
	const folder = path.join(work, name);
	fs.mkdirSync(folder);
	fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify(MANIFEST));
	fs.writeFileSync(path.join(folder, "worker.js"), APP);
	fs.writeFileSync(path.join(folder, "yarn.lock"), ""); // for yarn 4 this is where the project begins
	return folder;
}

// Not execFileSync(): the registry is in this process
function run([file, ...args], cwd, more) {
	return new Promise((resolve) => {
		const p = spawn(file, args, { cwd, env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"], detached: true });
		const self = { pid: p.pid, out: "", err: "", code: undefined, kill: (signal) => p.kill(signal), interrupt: () => process.kill(-p.pid, "SIGINT") };
		p.stdout.on("data", (d) => (self.out += d));
		p.stderr.on("data", (d) => (self.err += d));
		self.ended = new Promise((end) => p.on("exit", (code, signal) => end((self.code = code ?? signal))));
		self.closed = new Promise((end) => p.on("close", end)); // and all who have its pipes
		p.on("spawn", () => resolve(self));
	});
}

async function install(words, folder) {
	const it = await run(words, folder);
	assert.strictEqual(await it.ended, 0, it.out + it.err);
}

let npmProject; // installed once, for all tests that do not change it
async function installedByNpm() {
	npmProject ??= project("npm");
	if (!fs.existsSync(path.join(npmProject, "node_modules"))) await install(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "sioinit"], npmProject);
	return npmProject;
}

const below = (pid) => children(pid).flatMap((child) => [child, ...below(child)]);
const programOf = (pid) => fs.readlinkSync(`/proc/${pid}/exe`);
const isSioinit = (pid) => path.basename(programOf(pid)) === "sioinit";
const isAlive = (pid) => fs.existsSync(`/proc/${pid}`);

// Started by words, serving: with the pids of sioinit, which is the first of its processes, and of all below the starter
async function serving(words, folder, more) {
	const [port, admin] = [await freePort(), await freePort()];
	const it = await run(words, folder, { PORT: port, SIOINIT_ADMIN: admin, SIOINIT_WORKERS: "1", ...more });
	await until(() => it.code === undefined && get(port, "/").then((r) => r.status === 200), "an answer").catch((err) => {
		process.kill(-it.pid, "SIGKILL");
		throw new Error(`${err.message}\n${it.out}${it.err}`);
	});
	it.answer = String((await get(port, "/")).body);
	it.all = [it.pid, ...below(it.pid)];
	it.sioinit = it.all.find(isSioinit);
	return it;
}

// All of it ends, in order
async function stopped(it, stop) {
	stop();
	const code = await it.ended;
	await it.closed;
	await until(() => !it.all.some(isAlive), "nobody is left");
	assert.match(it.err, /init: done code=\d+/);
	return code;
}

const pnpm = ["node", path.join(installed, "pnpm/bin/pnpm.cjs")];
const yarn = ["node", path.join(installed, "yarn/bin/yarn.js")];
const berry = ["node", path.join(installed, "@yarnpkg/cli-dist/bin/yarn.js")];
// name, how it installs, how it starts, and how it ends after SIGTERM: as the shell that it runs, where there is one
const managers = [
	["npx", installedByNpm, ["npx", "sioinit", "worker.js", "hello"], "SIGTERM"],
	["npm start", installedByNpm, ["npm", "start"], "SIGTERM"],
	["npm run, with exec", installedByNpm, ["npm", "run", "execed"], 0],
	["pnpm", [...pnpm, "add", "sioinit"], [...pnpm, "start"], "SIGTERM"],
	["yarn", [...yarn, "add", "sioinit"], [...yarn, "start"], 1],
	["yarn 4, Plug'n'Play", [...berry, "add", "sioinit"], [...berry, "start"], 0],
	["bun", [bun, "add", "sioinit"], [bun, "run", "start"], 0, !fs.existsSync(bun) && "no Bun for this machine"],
];
for (const [name, installs, starts, code, skip] of managers)
	test(`${name}: sioinit runs, no launcher is left, and SIGTERM reaches it`, { skip, timeout: 90000 }, async () => {
		const folder = typeof installs === "function" ? await installs() : project(name);
		if (Array.isArray(installs)) await install(installs, folder);
		const it = await serving(starts, folder);
		assert.strictEqual(it.answer, "hello");
		const starter = it.all.slice(0, it.all.indexOf(it.sioinit)).map((pid) => path.basename(programOf(pid)));
		assert.deepStrictEqual(starter.filter((program) => program === "node").length, name === "bun" ? 0 : 1, `the package manager, and no launcher: ${starter}`);
		assert.strictEqual(await stopped(it, () => it.kill("SIGTERM")), code, it.err);
	});

test("Ctrl-C, which the terminal sends to all: the app ends in order, and npm as it does after one", { timeout: 60000 }, async () => {
	const it = await serving(["npm", "start"], await installedByNpm());
	assert.strictEqual(await stopped(it, it.interrupt), "SIGINT", it.err);
});

test("what a script sends to the background stays when its shell has ended", { timeout: 60000 }, async () => {
	const folder = await installedByNpm();
	const binary = path.join(folder, "node_modules", platformPackage, "sioinit");
	const port = await freePort();
	const more = { PORT: port, SIOINIT_ADMIN: await freePort(), SIOINIT_WORKERS: "1", npm_execpath: "/usr/bin/npm" };
	const shell = await run(["sh", "-c", `${binary} worker.js & echo $!; while ! [ -e told ]; do sleep 0.1; done`], folder, more);
	await until(() => get(port, "/").then((r) => r.status === 200), "an answer");
	fs.writeFileSync(path.join(folder, "told"), "");
	assert.strictEqual(await shell.ended, 0);
	assert.strictEqual((await get(port, "/")).status, 200);
	process.kill(Number(shell.out), "SIGTERM");
	await shell.closed;
	assert.strictEqual(shell.err.match(/SIGTERM, stopping/g).length, 1);
});

test("the exit status is sioinit's own", { timeout: 60000 }, async () => {
	const it = await run(["npx", "sioinit", "--workers", "many", "worker.js"], await installedByNpm());
	assert.strictEqual(await it.ended, 78, it.err);
	assert.match(it.err, /many/);
});

for (const [version, node] of versions)
	test(`the launcher on Node ${version}`, { skip: !fs.existsSync(node) && "the npm packages of Node are for x64", timeout: 60000 }, async () => {
		const folder = await installedByNpm();
		const it = await serving([node, "node_modules/.bin/sioinit", "worker.js", "hello"], folder);
		assert.strictEqual(it.sioinit, it.pid);
		assert.strictEqual(it.answer, "hello");
		assert.strictEqual(await stopped(it, () => it.kill("SIGTERM")), 0);
	});

test("without the platform's package: one line that says how to get it", { timeout: 60000 }, async () => {
	const folder = project("omitted");
	await install(["npm", "install", "--omit=optional", "--no-audit", "--no-fund", "sioinit"], folder);
	const without = await run(["node_modules/.bin/sioinit", "worker.js"], folder);
	assert.strictEqual(await without.ended, 127);
	assert.match(without.err, new RegExp(`^sioinit: the package ${platformPackage} is missing .*: npm install .*\n$`));

	await install(["sh", "-c", without.err.trim().split("): ").pop()], folder);
	const it = await serving(["npx", "sioinit", "worker.js", "hello"], folder);
	assert.strictEqual(it.answer, "hello");
	await stopped(it, () => it.kill("SIGTERM"));
});

// The launcher as it is on another system: what it asks Node for is answered as there
function elsewhere(what) {
	const file = path.join(work, "elsewhere.js");
	fs.writeFileSync(file, `for (const [name, value] of Object.entries(JSON.parse(process.env.ELSEWHERE))) Object.defineProperty(process, name, { value });`);
	return { NODE_OPTIONS: `--require ${file}`, ELSEWHERE: JSON.stringify(what) };
}

for (const [platform, name] of [["darwin", "macOS"], ["win32", "Windows"]])
	test(`${name}: plain node, said once`, { timeout: 60000 }, async () => {
		const folder = await installedByNpm();
		const there = elsewhere({ platform, arch: "arm64" });
		const port = await freePort();
		const it = await run(["node_modules/.bin/sioinit", "--workers", "4", "worker.js", "hello"], folder, { ...there, PORT: port, APP_ENDS: "7" });
		await until(() => get(port, "/").then((r) => String(r.body) === "hello"), "an answer");
		assert.match(it.err, new RegExp(`^sioinit: ${name} has no sioinit.*plain node worker\\.js.*\n$`));
		assert.strictEqual(children(it.pid).length, 1);
		process.kill(platform === "win32" ? children(it.pid)[0] : it.pid, "SIGTERM"); // Windows has none to pass on
		assert.strictEqual(await it.ended, 7);

		const status = await run(["node_modules/.bin/sioinit", "status"], folder, there);
		assert.strictEqual(await status.ended, 127);
		assert.match(status.err, new RegExp(`^sioinit: ${name} has no sioinit.*\n$`));
	});

test("Linux on a CPU that there is no binary for", { timeout: 60000 }, async () => {
	const it = await run(["node_modules/.bin/sioinit", "worker.js"], await installedByNpm(), elsewhere({ arch: "riscv64" }));
	assert.strictEqual(await it.ended, 127);
	assert.match(it.err, /^sioinit: there is no package sioinit-linux-riscv64, but sioinit-linux-x64 and sioinit-linux-arm64: .*\n$/);
});
