// A peer as PID 1 of a namespace of its own, or as the child of a shell that is; and what can be seen from outside.
const { spawn } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { childrenOf, freePort, sleep } = require("../processes.js");
const { get } = require("./clients.js");

const DEADLINE_MS = 90000;

const read = (file) => {
	try {
		return fs.readFileSync(file, "utf8");
	} catch {
		return ""; // the process has ended
	}
};

// The first truthy value of `check`, or undefined when there is none in time
async function until(check, ms = 20000) {
	for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
		const value = await check();
		if (value) return value;
	}
}

const stateOf = (pid) => /\) (\w)/.exec(read(`/proc/${pid}/stat`))?.[1];
const innerPidOf = (pid) => Number(/^NSpid:.*\s(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1]);
const descendantsOf = (pid) => childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);

const shell = (command) => ["sh", "-c", '"$@" & wait; exec sleep 600', "sh", ...command];
const inCgroup = (folder, command) => ["sh", "-c", `echo $$ >${folder}/cgroup.procs && exec "$@"`, "sh", ...command];
const namespaced = (command) => ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", ...command];

class Run {
	constructor(peer, dir, settings) {
		Object.assign(this, { peer, dir, settings, stdout: "", stderr: "", workers: peer.workers, ...settings });
	}

	setControl(control) {
		fs.writeFileSync(path.join(this.dir, "control"), JSON.stringify({ version: 1, bootMs: 0, ...control }));
	}

	async start() {
		const { peer, dir } = this;
		[this.port, this.admin] = [await freePort(), await freePort()];
		this.setControl(this.control);
		this.env = {
			...process.env,
			PORT: this.port,
			APP_EVENTS: path.join(dir, "events"),
			APP_CONTROL: path.join(dir, "control"),
			APP_TEXT: path.join(dir, "text"),
			...peer.env?.(this),
			...this.extraEnv,
		};
		let command = peer.command(this).map(String);
		if (this.isChild) command = shell(command);
		command = namespaced(command);
		if (this.cgroup) command = inCgroup(this.cgroup, command);
		this.child = spawn(command[0], command.slice(1), { env: this.env, cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
		for (const name of ["stdout", "stderr"]) this.child[name].setEncoding("latin1").on("data", (text) => (this[name] += text));
		this.ended = new Promise((resolve) => this.child.once("exit", (code, signal) => resolve(this.onEnd(code, signal))));
		await until(() => this.findPid());
	}

	onEnd(code, signal) {
		this.code = code ?? 128 + os.constants.signals[signal];
		this.endedAt = Date.now();
	}

	// From outside; unshare's first child may still be unshare itself
	findPid() {
		let [pid] = childrenOf(this.child.pid);
		if (pid && this.isChild) [pid] = childrenOf(pid);
		return (this.pid = pid && read(`/proc/${pid}/comm`).trim() !== "unshare" ? pid : undefined);
	}

	signal(name) {
		this.signalledAt = Date.now();
		process.kill(this.pid, name);
	}

	// [{ at, pid, what }], pids as the app sees them
	events(what) {
		const lines = read(path.join(this.dir, "events")).trim().split("\n").filter(Boolean);
		const event = ([at, pid, name]) => ({ at: Number(at), pid: Number(pid), what: name });
		return lines.map((line) => event(line.split(" "))).filter((e) => !what || e.what === what);
	}

	async untilServing(count = this.workers) {
		const serves = () => this.events("ready").length >= count && get(this.port, "/").then((answer) => answer.ok);
		if (!(await until(serves, 30000))) throw new Error(`not serving: ${(this.stdout + this.stderr).slice(-500)}`);
		return this;
	}

	ask(url, timeout) {
		return get(this.port, url, { timeout });
	}

	// Pids from outside of the workers that are alive
	workerPids() {
		const apps = new Set(this.events("start").map((e) => e.pid));
		return this.processes().filter((pid) => apps.has(innerPidOf(pid)));
	}

	processes() {
		return descendantsOf(this.child.pid);
	}

	supervisorPids() {
		const workers = new Set(this.workerPids());
		return this.processes().filter((pid) => !workers.has(pid));
	}

	zombies() {
		return this.processes().filter((pid) => stateOf(pid) === "Z").length;
	}

	running(command) {
		return this.processes().filter((pid) => read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").startsWith(command));
	}

	async reload() {
		const old = this.workerPids();
		const before = this.events("ready").length;
		await this.peer.reload(this);
		const isDone = () => this.events("ready").length >= before + this.workers && !old.some((pid) => this.workerPids().includes(pid));
		return until(isDone, 40000);
	}

	async kill() {
		if (this.endedAt) return;
		this.child.kill("SIGKILL");
		await this.ended;
	}
}

// Runs `body` with a peer that has been started; the namespace outlives neither it nor the deadline
async function withPeer(peer, settings, body) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "supervision-"));
	const run = new Run(peer, dir, settings);
	let timer;
	const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("not done in time")), DEADLINE_MS)));
	try {
		return await Promise.race([run.start().then(() => body(run)), late]);
	} finally {
		clearTimeout(timer);
		await run.kill();
		fs.rmSync(dir, { recursive: true, maxRetries: 5 });
	}
}

module.exports = { withPeer, until, stateOf };
