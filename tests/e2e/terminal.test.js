// At a terminal: Ctrl-C, Ctrl-Z and fg, shells and REPLs. The terminal is script(1)'s.
const test = require("node:test");
const assert = require("node:assert");
const { spawn } = require("child_process");
const fs = require("fs");
const path = require("path");
const { get, until, freePort } = require("./harness");

const BIN = process.env.BIN_UNDER_TEST;
const PROMPT = "bash-[\\d.]+[$#] ";

// Runs @command at a terminal of its own; type() sends keys, see() waits for text that was not waited for before.
async function terminal(command, env = {}) {
	const port = await freePort();
	const admin = await freePort();
	const p = spawn("script", ["-qefc", command, "/dev/null"], {
		cwd: path.join(__dirname, "fixtures"),
		env: { ...process.env, SHELL: "/bin/bash", TERM: "dumb", SIOINIT_PORT: port, SIOINIT_ADMIN: admin, BIN, ...env },
	});
	const self = { port, screen: "", seen: 0 };
	for (const stream of [p.stdout, p.stderr]) stream.on("data", (d) => (self.screen += d));
	self.ended = new Promise((resolve) => p.on("close", (code) => resolve(code)));
	self.type = (keys) => p.stdin.write(keys);
	self.see = async (what) => {
		const found = () => new RegExp(what, "g");
		const match = await until(async () => {
			const r = found();
			r.lastIndex = self.seen;
			return r.exec(self.screen);
		}, what, 10000).catch((err) => { throw new Error(`${err.message} on\n${self.screen}`, { cause: err }); });
		self.seen = match.index + match[0].length;
		return match;
	};
	self.end = () => p.kill("SIGKILL");
	return self;
}

const state = (pid) => /^State:\s+(\S)/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1];

// The process group in the foreground of the process's terminal: proc(5), tpgid.
const foreground = (pid) => Number(fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")[5]);

test("a shell as the only worker: interactive, and its end is the end", async () => {
	const t = await terminal('"$BIN" -- bash --norc -i', { SIOINIT_WORKERS: "1" });
	try {
		await t.see(PROMPT);
		t.type("echo in $((40 + 2)); tty -s && echo at a tty\n");
		await t.see("in 42");
		await t.see("at a tty");
		t.type("sleep 600\n");
		await until(async () => /sleep 600\r\n/.test(t.screen), "the sleep");
		t.type("\x03");
		await t.see(PROMPT);
		t.type("exit 3\n");
		assert.strictEqual(await t.ended, 3);
		assert.doesNotMatch(t.screen, /job control|-> 2 workers|-> 0 workers/);
	} finally {
		t.end();
	}
});

test("node's REPL", async () => {
	const t = await terminal('"$BIN" -- node', { SIOINIT_WORKERS: "1", SIOINIT_READY_TIMEOUT: "0.5" });
	try {
		await t.see("> ");
		t.type("6 * 7\n");
		await t.see("42");
		t.type("void setTimeout(() => console.log('still ' + 'here'), 700)\n"); // longer than SIOINIT_READY_TIMEOUT
		await t.see("still here");
		t.type(".exit\n");
		assert.strictEqual(await t.ended, 0);
	} finally {
		t.end();
	}
});

for (const workers of [1, 2])
	test(`${workers} at a shell: Ctrl-Z stops all, fg goes on, Ctrl-C ends`, async () => {
		const t = await terminal("bash --norc -i", { SIOINIT_WORKERS: String(workers) });
		try {
			await t.see(PROMPT);
			t.type('"$BIN" supervised.js; echo code=$?.\n');
			await t.see(`serving on port \\d+ with ${workers} workers`);
			const { pid } = JSON.parse((await get(t.port, "/")).body);
			t.type("\x1a");
			await t.see("Stopped");
			await t.see(PROMPT);
			assert.strictEqual(state(pid), "T");
			t.type("jobs -l\n");
			const job = Number((await t.see("(\\d+) Stopped"))[1]);
			assert.strictEqual(state(job), "T");
			t.type("bg\n");
			const inForeground = (group) => until(async () => foreground(job) === group && state(job) !== "T" && state(pid) !== "T", "fg");
			await until(async () => state(job) !== "T" && state(pid) !== "T", "bg");
			assert.strictEqual((await get(t.port, "/")).status, 200);
			t.type("fg; echo code=$?.\n");
			await inForeground(job);
			t.type("\x1a");
			await t.see("Stopped");
			t.type("fg; echo code=$?.\n");
			await inForeground(workers === 1 ? pid : job);
			assert.strictEqual((await get(t.port, "/")).status, 200);
			t.type("\x03");
			await t.see(workers === 1 ? "code=130\\." : "code=0\\.");
			t.type("echo still $((40 + 2)); exit\n");
			await t.see("still 42");
			await t.ended;
			assert.doesNotMatch(t.screen, /\d -> \d workers/);
		} finally {
			t.end();
		}
	});

test("what reads the terminal stops in the background, and reads on after fg", async () => {
	const t = await terminal("bash --norc -i", { SIOINIT_WORKERS: "1" });
	try {
		await t.see(PROMPT);
		t.type('"$BIN" -- cat; echo code=$?.\n');
		await t.see("workers +1 \\(");
		t.type("one\n");
		await t.see("one\r\none\r\n");
		t.type("\x1a");
		await t.see("Stopped");
		await t.see(PROMPT);
		t.type("bg\n");
		await until(async () => {
			t.type("\n"); // bash tells of its jobs before a prompt
			return /Stopped[^]*Stopped/.test(t.screen);
		}, "the stop in the background");
		t.seen = t.screen.length;
		t.type("fg; echo code=$?.\n");
		await t.see('"\\$BIN" -- cat\r\n');
		t.type("two\n");
		await t.see("two\r\ntwo\r\n");
		t.type("\x04");
		await t.see("code=0\\.");
		assert.doesNotMatch(t.screen, /exit|There are/);
	} finally {
		t.end();
	}
});

test("a session of its own, as in docker run -it: Ctrl-Z leaves nothing stuck", async () => {
	for (const workers of [1, 2]) {
		const t = await terminal('exec "$BIN" supervised.js', { SIOINIT_WORKERS: String(workers) });
		try {
			await t.see("serving on port");
			t.type("\x1a");
			assert.strictEqual((await get(t.port, "/")).status, 200);
			t.type("\x03");
			assert.strictEqual(await t.ended, workers === 1 ? 130 : 0);
		} finally {
			t.end();
		}
	}
});

test("several workers have /dev/null, one has what sioinit has", async () => {
	for (const [workers, wanted] of [[2, "/dev/null"], [1, "/dev/pts/\\d+"]]) {
		const t = await terminal('exec "$BIN" supervised.js', { SIOINIT_WORKERS: String(workers) });
		try {
			await t.see("serving on port");
			const { pid } = JSON.parse((await get(t.port, "/")).body);
			assert.match(fs.readlinkSync(`/proc/${pid}/fd/0`), new RegExp(`^${wanted}$`));
		} finally {
			t.type("\x03");
			await t.ended;
		}
	}
});

test("a crash at the terminal is no end; a script that does not get ready is", async () => {
	const t = await terminal('exec "$BIN" supervised.js', { SIOINIT_WORKERS: "1" });
	try {
		await t.see("serving on port");
		await get(t.port, "/exit?7");
		await t.see("ended pid=\\d+ code=7");
		await t.see("booting -> ready");
		const { pid } = JSON.parse((await get(t.port, "/")).body);
		t.type("\x03");
		await t.see(`ended pid=${pid} signal=INT`);
		assert.strictEqual(await t.ended, 130);
	} finally {
		t.end();
	}
	const early = await terminal('exec "$BIN" node -e "process.exit(9)"', { SIOINIT_WORKERS: "1" });
	assert.strictEqual(await early.ended, 9);
	assert.strictEqual(early.screen.match(/ended pid=/g).length, 1);
});

// What a line of the log has in its columns; @colours as a terminal has them.
const SGR = "(?:\\x1b\\[[\\d;]*m)*";
const inColumns = (level, who, message) => `${SGR}\\d\\d:\\d\\d:\\d\\d ${SGR}${level} *${SGR} ${SGR}${who} *${SGR}${message}`;

test("for people: a banner, what is ready, and lines in columns from every process", async () => {
	const t = await terminal('exec "$BIN" supervised.js', { TERM: "xterm", NO_COLOR: "", TZ: "UTC-13", SIOINIT_WORKERS: "2", BOOT_TAKES: "300", SIOINIT_WORKER_LOGS: "prefix", SAY: "SIGUSR2" });
	try {
		const line = (label, text) => `  ${SGR}${label}${SGR} +${text}\r\n`;
		await t.see(`^${SGR}sioinit [\\d.]+${SGR} runs node supervised\\.js\r\n${line("serves", `port ${t.port}`)}${line("workers", "2 \\(SIOINIT_WORKERS\\)")}${line("status", `http://127\\.0\\.0\\.1:\\d+/; sioinit monit, reload, .*`)}`);
		const [, first] = await t.see(`\x1b7\r\x1b\\[\\d+C${SGR}starting: (\\d)/2 workers ready${SGR}\x1b\\[K\x1b8`);
		assert.strictEqual(first, "0");
		await t.see(inColumns("info", "worker [01]", "booting -> ready pid=\\d+\r\n"));
		await t.see(inColumns("info", "init", `serving on port ${t.port} with 2 workers\r\n`));
		assert.match(t.screen, new RegExp("starting: 1/2[^\n]*\\x1b\\[K[^]*serving on"));
		await get(t.port, "/", { headers: { "X-Forwarded-For": "1.2.3.4" } });
		const [, hour] = await t.see(inColumns("warn", "router", `the X-Forwarded.*  ${SGR}SIO-241${SGR}\r\n`).replace("\\d\\d", "(\\d\\d)"));
		assert.ok([0, 1].map((late) => (new Date(Date.now() - late * 1000).getUTCHours() + 13) % 24).includes(Number(hour)), `${hour} in UTC+13`);
		assert.doesNotMatch(t.screen, /\d workers \(|time=/);
		const { pid } = JSON.parse((await get(t.port, "/")).body);
		process.kill(pid, "SIGUSR2");
		await t.see(`\x1b\\[\\d+m\\[[01]\\] ${SGR} SIGUSR2 slot=[01]\r\n`);
		assert.doesNotMatch(t.screen.slice(t.screen.indexOf("serving on")), /starting:/);
	} finally {
		t.type("\x03");
		assert.strictEqual(await t.ended, 0);
	}
});

test("no colours with NO_COLOR, no control sequences where TERM is dumb, nothing of all that elsewhere", async () => {
	const say = async (env, command = 'exec "$BIN" supervised.js') => {
		const t = await terminal(command, { SIOINIT_WORKERS: "2", ...env });
		try {
			await t.see("serving on port");
			return t.screen;
		} finally {
			t.type("\x03");
			await t.ended;
		}
	};
	const [bare, dumb, piped, forced] = await Promise.all([
		say({ TERM: "xterm", NO_COLOR: "1" }),
		say({ NO_COLOR: "" }),
		say({ TERM: "xterm", NO_COLOR: "" }, '"$BIN" supervised.js 2>&1 | cat'),
		say({ TERM: "xterm", NO_COLOR: "", SIOINIT_LOG_FORMAT: "pretty" }, '"$BIN" supervised.js 2>&1 | cat'),
	]);
	assert.doesNotMatch(bare, /\x1b\[[\d;]*m/);
	assert.match(bare, /^sioinit [^]*starting: 0\/2 workers ready\x1b\[K[^]* info {2}init {6}serving on/);
	assert.doesNotMatch(dumb, /\x1b|starting:/);
	assert.match(dumb, /^sioinit [^]*\n\d\d:\d\d:\d\d info {2}init {6}serving on/);
	for (const line of piped.trim().split("\r\n")) assert.match(line, /^time=\S+Z level=info component=\w+ msg="/);
	for (const line of forced.trim().split("\r\n")) assert.match(line, /^\d\d:\d\d:\d\d info {2}(init|router|worker \d) +\S/);
});
