// Where settings come from besides options and environment, and the shells that know them.
const test = require("node:test");
const assert = require("node:assert");
const { execFileSync, spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, get, until, routerOf } = require("./harness");

function withFile(text, body) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const file = path.join(dir, "settings");
	fs.writeFileSync(file, text);
	return Promise.resolve(body(file)).finally(() => fs.rmSync(dir, { recursive: true }));
}

test("a settings file is in force, for every router, and read once", () => withFile("# ours\nworkers = 2\nSIOINIT_MAX_HEAD_BYTES=1024\n", async (file) => {
	const s = await start(["plain.js"], { SIOINIT_CONFIG: file });
	const long = () => get(s.port, "/", { headers: { "x-long": "x".repeat(2000) } });
	try {
		assert.match(s.log, /with 2 workers/);
		assert.strictEqual((await long()).status, 431);
		fs.rmSync(file);
		process.kill(routerOf(s.pid), "SIGKILL");
		await until(async () => (await get(s.port, "/")).status === 200, "the next router");
		assert.strictEqual((await long()).status, 431);
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.writeFileSync(file, "");
	}
}));

test("check names file and line; what is wrong is said with both", () => withFile("\nport=99\nworkers=3\n", async (file) => {
	const r = await run(["check", "--config", file, "--workers", "4"]);
	assert.ok(r.out.includes(`SIOINIT_PORT=99 (${file}:2)\n`), r.out);
	assert.ok(r.out.includes("SIOINIT_WORKERS=4 (--workers)\n"), r.out);
	fs.writeFileSync(file, "workers=3\nworker=4\n");
	const wrong = await run(["plain.js"], { SIOINIT_CONFIG: file });
	assert.strictEqual(wrong.code, 78);
	assert.ok(wrong.out.includes(`${file}:2: worker is no setting; did you mean workers?`), wrong.out);
}));

// Reads what a reload says from there on.
async function reload(s, said) {
	const before = s.log.length;
	process.kill(s.pid, "SIGHUP");
	return until(() => said.test(s.log.slice(before)) && s.log.slice(before), String(said));
}

test("a settings file is read again: what has changed is told, and what it takes to have it", () => withFile("stop-timeout=9\nmax-age=0\n", async (file) => {
	const s = await start(["plain.js"], { SIOINIT_CONFIG: file, SIOINIT_WORKERS: "1", SIOINIT_MAX_SESSIONS: "7" });
	try {
		await reload(s, /nothing has changed in .*booting -> ready/s);
		fs.writeFileSync(file, "stop-timeout=0.3\nmax-head-bytes=1024\nmax-sessions=9\nheap=64\n");
		const said = await reload(s, /booting -> ready/);
		assert.match(said, /settings: SIOINIT_STOP_TIMEOUT=\\"0\.3\\", was \\"9\\""/);
		assert.match(said, /settings: SIOINIT_HEAP=\\"64\\", was \\"off\\": for new workers"/);
		assert.match(said, /settings: SIOINIT_MAX_HEAD_BYTES has changed: needs a restart of sioinit"/);
		assert.ok(!/MAX_SESSIONS|MAX_AGE/.test(said), said);
		fs.writeFileSync(file, "workers=2\n");
		assert.match(await reload(s, /settings: SIOINIT_STOP_TIMEOUT=\\"25\\"/), /settings: SIOINIT_HEAP=\\"off\\", was/);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}));

test("workers of the settings file; a wrong file, none, or a FIFO changes nothing", () => withFile("workers=1\n", async (file) => {
	const s = await start(["plain.js"], { SIOINIT_CONFIG: file, SIOINIT_ADMIN_SOCKET: `${file}.sock` });
	const readies = () => s.log.match(/booting -> ready/g).length;
	try {
		fs.writeFileSync(file, "workers=2\n");
		await reload(s, /SIOINIT_WORKERS=\\"2\\", was \\"1\\"/);
		await until(() => get(s.admin, "/status").then((r) => JSON.parse(r.body).workers.filter((w) => w.state === "ready").length === 2), "two workers");
		await until(async () => (await run(["reload"], { SIOINIT_ADMIN_SOCKET: `${file}.sock` })).code === 0, "the end of the reload");
		const before = readies();
		fs.writeFileSync(file, "workers=3\nstop-timeout=x\n");
		assert.match(await reload(s, /nothing is reloaded/), /settings:2: stop-timeout=\\"x\\": not a number of seconds/);
		const r = await run(["reload"], { SIOINIT_ADMIN_SOCKET: `${file}.sock` });
		assert.strictEqual(r.code, 1);
		assert.match(r.out, /aborted/);
		fs.rmSync(file);
		await reload(s, /nothing is reloaded: .*No such file/);
		execFileSync("mkfifo", [file]);
		await reload(s, /nothing is reloaded: .*no regular file/);
		assert.strictEqual((await get(s.port, "/")).status, 200);
		assert.strictEqual(readies(), before);
	} finally {
		assert.strictEqual(await s.stop(), 0);
		fs.rmSync(file);
		fs.writeFileSync(file, "");
	}
}));

test("the mode and the owner of unix sockets", () => withFile("", async (file) => {
	const [socket, admin] = [`${file}.http`, `${file}.admin`];
	const isRoot = process.getuid() === 0;
	const s = await start(["plain.js"], { SIOINIT_LISTEN: socket, SIOINIT_ADMIN_SOCKET: admin, SIOINIT_SOCKET_MODE: "0660", ...(isRoot && { SIOINIT_SOCKET_OWNER: "65534:65533" }) });
	try {
		const st = fs.statSync(socket);
		assert.strictEqual(st.mode & 0o777, 0o660);
		assert.deepStrictEqual([st.uid, st.gid], isRoot ? [65534, 65533] : [process.getuid(), process.getgid()]);
		assert.strictEqual((await get(undefined, "/", { socketPath: socket })).status, 200);
		if (isRoot) {
			fs.chmodSync(path.dirname(file), 0o755);
			const asOwner = spawnSync(process.env.BIN_UNDER_TEST, ["status"], { env: { ...process.env, SIOINIT_ADMIN_SOCKET: admin }, uid: 65534, gid: 65534, encoding: "utf8" });
			assert.strictEqual(asOwner.error?.code === "EACCES" ? 0 : asOwner.status, 0, asOwner.stderr);
		}
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
	for (const [name, value] of [["SIOINIT_SOCKET_MODE", "rw"], ["SIOINIT_SOCKET_MODE", "1777"], ["SIOINIT_SOCKET_OWNER", "nobody-of-that-name"]]) {
		const r = await run(["plain.js"], { [name]: value, SIOINIT_PORT: String(s.port), SIOINIT_ADMIN: "off" });
		assert.strictEqual(r.code, 78);
		assert.ok(r.out.includes(name), r.out);
	}
}));

const script = (shell) => execFileSync(process.env.BIN_UNDER_TEST, ["completion", shell]);
const has = (shell) => spawnSync(shell, ["--version"]).status === 0;
const settings = () => execFileSync(process.env.BIN_UNDER_TEST, ["--help"], { encoding: "utf8" }).match(/^ {2}--[a-z-]+/gm).map((o) => o.trim()).concat("--version");

// What bash offers for the words, of which the last is being typed.
function bash(...words) {
	return withFile(script("bash"), (file) => {
		const out = execFileSync("bash", ["-c", 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sioinit; printf "%s\\n" "${COMPREPLY[@]}"', file, "sioinit", ...words]);
		return String(out).trim().split("\n");
	});
}

test("completion for bash", async () => {
	assert.deepStrictEqual(await bash("--log-level", ""), ["error", "warn", "info", "debug"]);
	assert.deepStrictEqual(await bash("--log-level", "=", "d"), ["debug"]);
	assert.deepStrictEqual(await bash("relo"), ["reload"]);
	assert.deepStrictEqual(await bash("logs", "--"), ["--lines", "--no-follow", "--death"]);
	assert.deepStrictEqual(await bash("--config", "/etc/host").then((l) => l.includes("/etc/hosts")), true);
	assert.deepStrictEqual((await bash("--")).sort(), settings().sort());
});

test("completion for fish", { skip: !has("fish") && "no fish" }, () => withFile(script("fish"), (file) => {
	const offered = (line) => String(execFileSync("fish", ["--no-config", "-c", "source $argv[1]; complete -C $argv[2]", file, line])).trim().split("\n").map((l) => l.split("\t")[0]);
	assert.deepStrictEqual(offered("sioinit --log-level ").sort(), ["debug", "error", "info", "warn"]);
	assert.deepStrictEqual(offered("sioinit relo"), ["reload"]);
	assert.deepStrictEqual(offered("sioinit drain "), ["off"]);
	for (const option of settings()) assert.ok(offered(`sioinit ${option}`).includes(option), option);
}));

test("completion for zsh", { skip: !has("zsh") && "no zsh" }, () => withFile(script("zsh"), (file) => {
	// _arguments and _describe work in the line editor only: here they show what they are given
	const frame = `compdef() { :; }
		_arguments() { print -rl -- "\${@[2,-1]}"; state=$want }
		_describe() { print -rl -- "\${(P@)2}"; }
		_files() { :; }
		compadd() { shift; print -rl -- "$@"; }
		source $1
		want=first CURRENT=2 words=(sioinit "")
		_sioinit
		want=rest CURRENT=3 words=(sioinit logs --)
		_sioinit`;
	const out = `\n${execFileSync("zsh", ["-f", "-c", frame, "zsh", file], { encoding: "utf8" })}`;
	for (const option of settings()) assert.ok(out.includes(`\n${option}=[`) || out.includes(`\n${option}[`), option);
	assert.match(out, /\n--log-level=\[[^\]]*\]:LEVEL:\(error warn info debug\)\n/);
	assert.match(out, /\n--config=\[.*\]:FILE:_files\n/);
	assert.match(out, /\nmigrate:what pm2's ecosystem file is for sioinit\n/);
	assert.match(out, /\n--death\n/);
}));

test("completion for another shell", async () => {
	const r = await run(["completion", "tcsh"]);
	assert.strictEqual(r.code, 2);
	assert.match(r.out, /usage: sioinit completion bash\|zsh\|fish/);
});
