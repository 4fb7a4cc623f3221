// Programs that start the app in a process of its own: that gets the worker's channel.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const { io } = require("socket.io-client");
const { start, get, until, works } = require("./harness");
const { exercise } = require("./exercise");

const folder = path.join(__dirname, "wrappers");
const bin = (name) => path.join(folder, "node_modules", name);
const app = path.join(__dirname, "fixtures/wrapped.js");
const common = { SIOINIT_WORKERS: "2", SIOINIT_LAG_WARN: "0", ADAPTER: "@socket.io/cluster-adapter" };
const temporary = (t) => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-wrappers-"));
	t.after(() => fs.rmSync(dir, { recursive: true }));
	return dir;
};

async function serving(words, env, use, cwd = folder) {
	const s = await start(["--", ...words], { ...common, ...env }, cwd);
	try {
		await use(s);
	} finally {
		assert.strictEqual(await s.stop(), 0, s.log);
	}
	return s;
}

const workers = async (s) => JSON.parse((await get(s.admin, "/status")).body).workers;

const kinds = [
	["npm", ["npm", "start"]],
	["yarn", [bin("yarn/bin/yarn.js"), "start"]],
	["pnpm", [bin("pnpm/bin/pnpm.cjs"), "start"]],
	["tsx", [bin(".bin/tsx"), app]],
	["nodemon", [bin(".bin/nodemon"), app]],
	["node --watch", ["node", "--watch", app]],
	["a shell, and a script before the app", ["sh", "-c", `node ${path.join(__dirname, "wire.js")} && node ${app}`]],
	["tini, env and a shell", ["tini", "-g", "--", "env", "A=b", "sh", "-c", `exec node ${app}`], !works("tini", "--version") && "no tini"],
];
for (const [what, words, skip] of kinds)
	test(`the app gets the channel: ${what}`, { skip, timeout: 60000 }, async () => {
		const s = await serving(words, {}, (it) => exercise(io, it.port));
		assert.strictEqual(s.out.match(/stops \d+/g)?.length, 2, s.out);
	});

test("reload under npm", { timeout: 60000 }, () =>
	serving(["npm", "start"], {}, async (s) => {
		const before = (await workers(s)).map((w) => w.pid);
		process.kill(s.pid, "SIGHUP");
		await until(() => s.log.includes("reload done"), "reload");
		await exercise(io, s.port);
		for (const { pid } of await workers(s)) assert.ok(!before.includes(pid));
	}));

test("a watcher starts the app again", { timeout: 60000 }, async (t) => {
	const dir = temporary(t);
	const file = path.join(dir, "app.js");
	const write = (text) => fs.writeFileSync(file, `require("http").createServer((req, res) => res.end("${text} " + process.pid)).listen(process.env.PORT);`);
	const answer = async (s) => String((await get(s.port, "/")).body);
	write("old");
	await serving(["node", "--watch", file], {}, async (s) => {
		const before = (await workers(s)).map((w) => w.pid);
		assert.match(await answer(s), /^old /);
		write("new");
		await until(async () => s.log.match(/has opened its server again/g)?.length === 2, "both again");
		assert.match(await answer(s), /^new /);
		assert.deepStrictEqual((await workers(s)).map((w) => w.pid), before);
	}, dir);
});

test("Node that knows no --import inherits the channel", { timeout: 60000 }, async (t) => {
	const dir = temporary(t);
	const old = path.join(dir, "old");
	fs.writeFileSync(old, `#!/bin/sh\ncase "$NODE_OPTIONS" in *--import*) exit 9;; esac\nexec node "$@"\n`, { mode: 0o755 });
	const s = await serving([old, app], {}, (it) => exercise(io, it.port));
	assert.strictEqual(s.log.match(/no --import/g)?.length, 1, s.log);
});

test("who cannot be reached and binds the public port is told what to do", { timeout: 60000 }, async (t) => {
	const dir = temporary(t);
	const file = path.join(dir, "app.js");
	fs.writeFileSync(file, `require("http").createServer((req, res) => res.end("ok")).listen(Number(process.argv[2]));`);
	const script = `if [ -e ${dir}/told ]; then exec node ${file} $PORT; fi; env -u NODE_OPTIONS node ${file} $((PORT - 1)); code=$?; touch ${dir}/told; exit $code`;
	await serving(["sh", "-c", script], { SIOINIT_WORKERS: "1" }, async (s) => {
		assert.strictEqual(s.log.match(/no Node process of it has asked for the IPC channel/g)?.length, 1, s.log);
		assert.match(s.log, /exec node server\.js.*SIOINIT_DISPATCH=port/);
	}, dir);
});

test("the channel goes to one process at a time, below its worker", { timeout: 60000 }, () =>
	serving(["sh", "-c", `node ${app}; true`], {}, async (s) => {
		const name = fs.readFileSync("/proc/net/unix", "utf8").match(new RegExp(`@(sioinit/\\d+/${s.pid}/channel/+)`))[1];
		const told = await new Promise((resolve) => {
			let got = "";
			const c = net.connect({ path: `\0${name}` });
			c.on("data", (d) => (got += d));
			c.on("close", () => resolve(got));
		});
		assert.strictEqual(told, "");
		await exercise(io, s.port);
		assert.strictEqual(s.log.match(/its channel goes to/g).length, 2);
	}));
