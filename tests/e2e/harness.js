// Starts a real sioinit on free ports, waits until it is ready, and always ends what it started.
const { execFileSync, spawn } = require("child_process");
const fs = require("fs");
const http = require("http");
const net = require("net");
const path = require("path");
const { inspect } = require("util");

const isFree = (port) =>
	new Promise((resolve) => {
		const s = net.createServer();
		s.on("error", () => resolve(false));
		s.listen(port, () => s.close(() => resolve(true)));
	});

// Below the ports that the kernel gives to outgoing connections: one of those could take it before it is used.
// Sixteen apart, since workers' own ports follow the public one.
let last = 10000 + 16 * Math.floor(Math.random() * 1300);
async function freePort() {
	for (;;) {
		const port = (last = last < 31000 ? last + 16 : 10000);
		if (await isFree(port)) return port;
	}
}

function get(port, url, options = {}) {
	return new Promise((resolve, reject) => {
		const req = http.request({ host: "127.0.0.1", port, path: url, ...options }, (res) => {
			const parts = [];
			res.on("data", (d) => parts.push(d));
			res.on("end", () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts) }));
		});
		req.on("error", reject);
		req.end(options.body);
	});
}

// Polls until check() gives something true. The error tells what it gave or threw last, which is its cause.
async function until(check, what, ms = 20000) {
	const begin = Date.now();
	let last, cause;
	for (;;) {
		try {
			last = await check();
			cause = undefined;
			if (last) return last;
		} catch (err) {
			last = cause = err;
		}
		const took = Date.now() - begin;
		if (took > ms) throw new Error(`timeout: ${what}, not within ${took} ms; last: ${cause ? cause.message : inspect(last)}`, { cause });
		await new Promise((r) => setTimeout(r, 50));
	}
}

// Runs to its end: for wrong settings and missing files.
function run(args, env = {}) {
	return new Promise((resolve) => {
		const p = spawn(process.env.BIN_UNDER_TEST, args, { env: { ...process.env, ...env }, cwd: path.join(__dirname, "fixtures") });
		let out = "";
		p.stdout.on("data", (d) => (out += d));
		p.stderr.on("data", (d) => (out += d));
		p.on("exit", (code) => resolve({ code, out }));
	});
}

// Into a router's /proc only root can look, which several tests do.
const visible = process.getuid() === 0 ? {} : { SIOINIT_SANDBOX: "off" };

async function start(args, env = {}, cwd = path.join(__dirname, "fixtures")) {
	const port = await freePort();
	const admin = await freePort();
	const p = spawn(process.env.BIN_UNDER_TEST, args, {
		env: { ...process.env, SIOINIT_PORT: port, SIOINIT_ADMIN: admin, ...visible, ...env },
		cwd,
	});
	const self = { port, admin, pid: p.pid, stderr: p.stderr, log: "", out: "" };
	p.stdout.on("data", (d) => (self.out += d));
	p.stderr.on("data", (d) => (self.log += d));
	const ended = new Promise((resolve) => p.on("exit", (code, signal) => resolve(code ?? signal)));
	self.stop = async () => {
		p.kill("SIGTERM");
		const timer = setTimeout(() => p.kill("SIGKILL"), 15000);
		const code = await ended;
		clearTimeout(timer);
		return code;
	};
	self.ended = ended;
	try {
		await until(() => (self.log.includes("serving on port") ? get(admin, "/readyz").then((r) => r.status === 200) : Promise.resolve(false)), "ready");
	} catch (err) {
		p.kill("SIGKILL");
		throw new Error(`${err.message}\n${self.log}`, { cause: err });
	}
	return self;
}

const children = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);

// The pids of the children of sioinit with this variable, NAME=VALUE. A child may end while it is looked at.
function childrenOf(pid, variable) {
	const hasIt = (child) => {
		try {
			return fs.readFileSync(`/proc/${child}/environ`, "utf8").split("\0").includes(variable);
		} catch {
			return false;
		}
	};
	return children(pid).filter(hasIt);
}

const childOf = (pid, variable) => childrenOf(pid, variable)[0];

// The environment of a router is root's alone to read: they are known by their command line.
function routersOf(pid) {
	const isRouter = (child) => {
		try {
			return fs.readFileSync(`/proc/${child}/cmdline`, "utf8").split("\0")[0] === "sioinit: router";
		} catch {
			return false;
		}
	};
	return children(pid).filter(isRouter);
}

const routerOf = (pid) => routersOf(pid)[0];

// Whether a program is there and does what it is asked.
function works(file, ...args) {
	try {
		return execFileSync(file, args, { stdio: "pipe" }) !== null;
	} catch {
		return false;
	}
}

module.exports = { start, run, get, until, freePort, works, children, childOf, routerOf, routersOf };
