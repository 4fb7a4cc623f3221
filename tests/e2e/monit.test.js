// sioinit monit at a real terminal, tmux's, and its command line.
const test = require("node:test");
const assert = require("node:assert");
const { execFileSync, spawn, spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { start, run, get, until, works, children } = require("./harness");

const BIN = process.env.BIN_UNDER_TEST;

// A sioinit with a socket of its own, and a terminal of 100 by 30 in which @command runs.
async function withTerminal(command, body) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const socket = { SIOINIT_ADMIN_SOCKET: `${dir}/admin.sock` };
	const tmux = (...words) => execFileSync("tmux", ["-f", "/dev/null", "-S", `${dir}/tmux`, ...words], { encoding: "utf8", env: { ...process.env, ...socket, BIN, LC_ALL: "C.UTF-8" } });
	const s = await start(["supervised.js"], { SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.2", ...socket });
	try {
		tmux("new-session", "-d", "-x", "100", "-y", "30", "sh", "-c", command);
		const screen = () => tmux("capture-pane", "-p");
		const see = (what, ms = 10000) => until(() => what.exec(screen()), String(what), ms).catch((err) => { throw new Error(`${err.message} on\n${screen()}`, { cause: err }); });
		const ask = (what) => tmux("display-message", "-p", what).trim();
		await body({ s, tmux, screen, see, ask, type: (...keys) => tmux("send-keys", ...keys), status: async () => JSON.parse((await run(["status", "--json"], socket)).out) });
	} finally {
		spawnSync("tmux", ["-S", `${dir}/tmux`, "kill-server"]);
		await s.stop();
		fs.rmSync(dir, { recursive: true, force: true });
	}
}

const noTmux = !works("tmux", "-V") && "no tmux here";

test("monit: workers, a death within two seconds, keys, another size, and the terminal is as it was", { skip: noTmux }, () =>
	withTerminal('echo before; "$BIN" monit; echo code=$?; stty -a; exec sleep 60', async ({ s, tmux, screen, see, ask, type, status }) => {
		await see(/all is well\nworkers 2 of 2 ready/);
		assert.match(screen(), /^SLOT +PID STATE +UP +LAG +RSS +CPU% SESSIONS SOCKETS +REQ\/S RESTARTS\n +0 +\d+ ready .*\n +1 +\d+ ready /m);
		assert.deepStrictEqual([ask("#{alternate_on}"), ask("#{cursor_flag}")], ["1", "0"]);
		await Promise.all(Array.from({ length: 20 }, () => get(s.port, "/")));
		await see(/requests\/s +[1-9]/);

		const { pid } = (await status()).workers[0];
		process.kill(pid, "SIGKILL");
		await see(new RegExp(`slot 0 +pid ${pid} .*SIGKILL`), 2000);
		await see(/^ +0 +\d+ ready .* 1$/m);

		type("r");
		await see(/^ +1 +\d+ ready .*\n +0 +\d+ ready /m);
		type("?");
		await see(/leave/);
		type("?", "n");
		await see(/^ +0 +\d+ ready .*\n +1 +\d+ ready /m);

		tmux("resize-window", "-x", "20", "-y", "5");
		await see(/^sioinit \S+ .*\n.*\nSLOT STATE +LAG\n +0 ready +\d+ms\n/);
		tmux("resize-window", "-x", "100", "-y", "30");
		await see(/^SLOT .* RESTARTS$/m);

		type("q");
		await see(/before\ncode=0\n[^]* icanon [^]* echo /);
		assert.deepStrictEqual([ask("#{alternate_on}"), ask("#{cursor_flag}")], ["0", "1"]);
	}));

test("monit: a sioinit that is gone is waited for, and a signal restores the terminal, too", { skip: noTmux }, () =>
	withTerminal('echo before; "$BIN" monit; echo code=$?; exec sleep 60', async ({ s, see, ask }) => {
		await see(/workers 2 of 2 ready/);
		assert.strictEqual(await s.stop(), 0);
		await see(/no sioinit is running here: .*trying again/);
		process.kill(children(Number(ask("#{pane_pid}")))[0], "SIGTERM");
		await see(/before\n[^]*code=143/);
		assert.deepStrictEqual([ask("#{alternate_on}"), ask("#{cursor_flag}")], ["0", "1"]);
	}));

test("monit: what is no terminal, or can only print lines, is refused", async () => {
	const piped = await run(["monit"]);
	assert.strictEqual(piped.code, 2);
	assert.match(piped.out, /sioinit status --watch/);
	const p = spawn("script", ["-qefc", '"$BIN" top', "/dev/null"], { env: { ...process.env, SHELL: "/bin/sh", TERM: "dumb", BIN } });
	let out = "";
	p.stdout.on("data", (d) => (out += d));
	assert.strictEqual(await new Promise((resolve) => p.on("close", resolve)), 2);
	assert.match(out, /TERM=dumb.*sioinit status --watch/);
});
