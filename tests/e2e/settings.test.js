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
	assert.deepStrictEqual(await bash("logs", "--"), ["--death"]);
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
