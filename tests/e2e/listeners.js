// Workers that open and close servers as they are told (fixtures/listeners.js), under sioinit or Node's own cluster.
const { spawn } = require("child_process");
const fs = require("fs");
const http = require("http");
const net = require("net");
const os = require("os");
const path = require("path");
const { createInterface } = require("readline");
const { freePort, until } = require("./harness");

const fixture = "listeners.js";
const cwd = path.join(__dirname, "fixtures");

// One connection for each worker; call() is one operation and its result.
async function controlled() {
	const workers = new Map();
	const links = new Set();
	const server = net.createServer((link) => {
		links.add(link);
		const answers = [];
		let told;
		createInterface({ input: link }).on("line", (line) => {
			const m = JSON.parse(line);
			if (told) return answers.shift()(m);
			told = m;
			workers.set(m.slot, { pid: m.pid, call: (op, ...args) => new Promise((resolve) => {
				answers.push(resolve);
				link.write(`${JSON.stringify({ op, args })}\n`);
			}) });
		});
		link.on("error", () => {});
		link.on("close", () => {
			links.delete(link);
			for (const answer of answers.splice(0)) answer({ error: "ended" });
		});
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	return { workers, port: server.address().port, close: () => (server.close(), links.forEach((l) => l.destroy())) };
}

// n workers; env goes to sioinit. call(slot, op, ...).
async function start(n, env = {}, { oracle = false } = {}) {
	const control = await controlled();
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-listeners-"));
	fs.chmodSync(dir, 0o755);
	const port = await freePort();
	const settings = oracle ? { ORACLE: n } : { SIOINIT_PORT: port, SIOINIT_ADMIN: "off", SIOINIT_WORKERS: n, SIOINIT_READY_TIMEOUT: "0" };
	const p = spawn(oracle ? process.execPath : process.env.BIN_UNDER_TEST, [fixture], {
		cwd, env: { ...process.env, CONTROL: control.port, ...settings, ...env }, stdio: ["pipe", "pipe", "pipe"],
	});
	const self = { port, dir, pid: p.pid, log: "", out: "", workers: control.workers };
	p.stdout.on("data", (d) => (self.out += d));
	p.stderr.on("data", (d) => (self.log += d));
	self.ended = new Promise((resolve) => p.on("exit", (code, signal) => resolve(code ?? signal)));
	self.call = (slot, ...args) => control.workers.get(slot).call(...args);
	self.stop = async () => {
		if (oracle) p.stdin.end();
		else p.kill("SIGTERM");
		const timer = setTimeout(() => p.kill("SIGKILL"), 15000);
		const code = await self.ended;
		clearTimeout(timer);
		control.close();
		fs.rmSync(dir, { recursive: true, force: true });
		return code;
	};
	try {
		await until(() => control.workers.size === n, "all workers");
	} catch (err) {
		p.kill("SIGKILL");
		throw new Error(`${err.message}\n${self.log}`, { cause: err });
	}
	return self;
}

// What answers: "NAME SLOT", or the status of sioinit's own answer, or the error's code.
function who(where) {
	return new Promise((resolve) => {
		const req = http.get({ ...where, path: "/", agent: false }, (res) => {
			let text = "";
			res.on("data", (d) => (text += d)).on("end", () => resolve(res.statusCode === 200 ? text : String(res.statusCode)));
		});
		req.setTimeout(5000, () => req.destroy(new Error("timeout")));
		req.on("error", (err) => resolve(err.code || err.message));
	});
}

module.exports = { start, who };
