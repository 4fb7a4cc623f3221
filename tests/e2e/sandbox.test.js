// Routers run with the least rights: whoever takes one over can do little with it.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const { execFileSync, spawnSync } = require("child_process");
const { start, get, until, routerOf, works } = require("./harness");

const isRoot = process.getuid() === 0;
const onlyRoot = { skip: !isRoot && "only root can" };
const lacksCompiler = !works("cc", "--version") && "no C compiler";
const NOTHING = ["0".repeat(16)];

// Where anybody may read it: a checkout may lie in somebody's own folder.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
fs.chmodSync(folder, 0o755);
fs.copyFileSync(path.join(__dirname, "fixtures/supervised.js"), path.join(folder, "supervised.js"));
test.after(() => fs.rmSync(folder, { recursive: true }));

const status = (pid, key) => new RegExp(`^${key}:\\s*(.*)$`, "m").exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1].trim().split(/\s+/);

async function using(env, body, bin = process.env.BIN_UNDER_TEST, args = []) {
	const before = process.env.BIN_UNDER_TEST;
	process.env.BIN_UNDER_TEST = bin;
	try {
		const s = await start([...args, "supervised.js"], { SIOINIT_WORKERS: "1", SIOINIT_SANDBOX: "auto", ...env }, folder);
		try {
			await body(s, routerOf(s.pid));
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	} finally {
		process.env.BIN_UNDER_TEST = before;
	}
}

// A program of fixtures/, compiled.
function compiled(name) {
	const program = path.join(folder, name);
	execFileSync("cc", ["-o", program, path.join(__dirname, `fixtures/${name}.c`)]);
	return program;
}

const serves = async (s) => assert.strictEqual((await get(s.port, "/")).status, 200);

function assertConfined(pid) {
	for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) assert.deepStrictEqual(status(pid, set), NOTHING, set);
	if (isRoot) assert.deepStrictEqual(status(pid, "CapBnd"), NOTHING, "CapBnd");
	assert.deepStrictEqual(status(pid, "NoNewPrivs"), ["1"]);
	assert.deepStrictEqual(status(pid, "Seccomp"), ["2"]);
}

test("a router has no rights, and not the app's environment", () =>
	using({ SECRET: "x", SIOINIT_PRE_START: "PGPASSWORD=y true" }, async (s, router) => {
		await serves(s);
		assertConfined(router);
		assert.doesNotMatch(s.log, /SIOINIT_SANDBOX/);
		if (!isRoot) return;
		const names = fs.readFileSync(`/proc/${router}/environ`, "utf8").split("\0").filter(Boolean).map((e) => e.split("=")[0]);
		assert.ok(names.includes("SIOINIT_PORT"));
		const others = names.filter((n) => !n.startsWith("SIOINIT_") || n === "SIOINIT_PRE_START");
		assert.deepStrictEqual(others.filter((n) => !/^((A|L|UB)SAN_OPTIONS|LD_LIBRARY_PATH|JOURNAL_STREAM|TERM|NO_COLOR|CLICOLOR_FORCE|FORCE_COLOR|TZ)$/.test(n)), []);
	}));

test("SIOINIT_USER: a router is that user, who cannot look into it", onlyRoot, () =>
	using({ SIOINIT_USER: "nobody" }, async (s, router) => {
		await serves(s);
		assertConfined(router);
		const [uid, gid] = ["-u", "-g"].map((what) => execFileSync("id", [what, "nobody"]).toString().trim());
		assert.deepStrictEqual([status(router, "Uid"), status(router, "Gid"), status(router, "Groups")], [Array(4).fill(uid), Array(4).fill(gid), execFileSync("id", ["-G", "nobody"]).toString().trim().split(" ")]);
		assert.strictEqual(fs.statSync(`/proc/${router}/environ`).uid, 0);
	}));

const lacksSizes = fs.statSync("/proc/self/fd").size === 0 && "this kernel does not tell how many descriptors a process has";

function upgraded(port) {
	return new Promise((resolve, reject) => {
		const c = net.connect(port, "127.0.0.1", () => c.write("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
		c.on("error", reject);
		c.once("data", () => resolve(c));
	});
}

test("SIOINIT_USER: what workers hold and use is seen all the same", { skip: onlyRoot.skip || lacksSizes }, () =>
	using({ SIOINIT_USER: "nobody" }, async (s) => {
		const withSockets = (n) => async () => {
			await serves(s);
			const [w] = JSON.parse((await get(s.admin, "/status")).body).workers;
			return w.sockets === n && w;
		};
		await until(withSockets(0), "no socket: what the worker has now is its own");
		const clients = await Promise.all([1, 2, 3].map(() => upgraded(s.port)));
		const worker = await until(withSockets(3), "three sockets");
		assert.ok(worker.rss_b > 0);
		for (const c of clients) c.destroy();
	}));

test("SIOINIT_USER: the binary may be where that user cannot reach it", onlyRoot, () => {
	const own = path.join(folder, "own");
	fs.mkdirSync(own, { mode: 0o700 });
	fs.copyFileSync(process.env.BIN_UNDER_TEST, path.join(own, "sioinit"));
	fs.chmodSync(path.join(own, "sioinit"), 0o700);
	return using({ SIOINIT_USER: "nobody" }, async (s, router) => {
		await serves(s);
		assertConfined(router);
		assert.notStrictEqual(status(router, "Uid")[0], "0");
	}, path.join(own, "sioinit"));
});

test("SIOINIT_SANDBOX=off: its rights are those it was started with", () =>
	using({ SIOINIT_SANDBOX: "off", ...(isRoot && { SIOINIT_USER: "nobody" }) }, async (s, router) => {
		await serves(s);
		assert.deepStrictEqual([status(router, "Seccomp"), status(router, "NoNewPrivs")], [["0"], ["0"]]);
		if (isRoot) assert.notStrictEqual(status(router, "Uid")[0], "0");
	}));

test("a router that makes another system call is ended and replaced", { skip: lacksCompiler }, async (t) => {
	const inject = compiled("inject");
	await using({}, async (s, router) => {
		await serves(s);
		if (spawnSync(inject, [String(router)]).status === 77) return t.skip("nobody can be traced here");
		await until(() => /router\[0\] was killed: it made a system call that its sandbox does not allow/.test(s.log), "the log's word");
		await until(async () => routerOf(s.pid) && routerOf(s.pid) !== router, "the next router");
		await until(async () => (await get(s.port, "/")).status === 200, "an answer");
		assertConfined(routerOf(s.pid));
	});
});

for (const [name, errno] of [["EPERM", 1], ["EINVAL", 22], ["ENOSYS", 38]])
	test(`where filters are refused with ${name} that is one line, and the rest holds`, { skip: lacksCompiler }, () =>
		using({}, async (s, router) => {
			await serves(s);
			assert.deepStrictEqual(status(router, "CapEff"), NOTHING);
			assert.deepStrictEqual(status(router, "NoNewPrivs"), ["1"]);
			assert.strictEqual(status(router, "Seccomp_filters")[0], "1"); // of refuse.c
			assert.strictEqual(s.log.match(/SIOINIT_SANDBOX/g).length, 1);
			assert.match(s.log, /level=warn component=router msg="router: SIOINIT_SANDBOX: .*seccomp/);
		}, compiled("refuse"), [String(errno), process.env.BIN_UNDER_TEST]));
