// Starts the app of a case under sioinit, pm2-runtime or plain Node, in a copy of the case's folder, and asks it.
const { execFileSync, spawn } = require("child_process");
const { once } = require("events");
const fs = require("fs");
const http = require("http");
const net = require("net");
const os = require("os");
const path = require("path");
const { freePort, until } = require("../e2e/harness");

const pm2 = path.join(__dirname, "node_modules/pm2/bin/pm2-runtime");
const isEcosystem = (app) => /\.(config\.c?js|json|ya?ml)$/.test(app);

// What is typed for an app: a script, an ecosystem file, or a command ["npm", "start"]
const commands = {
	sioinit(app) {
		const args = Array.isArray(app) ? ["--", ...app] : [app];
		return { file: process.env.BIN_UNDER_TEST, args };
	},
	pm2(app, workers) {
		const [script, ...rest] = [].concat(app);
		const instances = workers > 1 && !isEcosystem(script) ? ["-i", workers] : [];
		return { file: process.execPath, args: [pm2, script, ...instances, ...(rest.length ? ["--", ...rest] : [])] };
	},
	node(app) {
		const [file, ...args] = Array.isArray(app) ? app : [process.execPath, app];
		return { file, args };
	},
};

const own = {
	sioinit: ({ app, workers }) => ({ SIOINIT_ADMIN: "off", SIOINIT_ADMIN_SOCKET: "off", ...(isEcosystem(String(app)) ? {} : { SIOINIT_WORKERS: workers }) }),
	pm2: (_, dir) => ({ PM2_HOME: path.join(dir, ".pm2") }),
	node: () => ({}),
};

// A folder of the app's own, which it may write to
function copyOf(folder, modules) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "compat-"));
	fs.cpSync(folder, dir, { recursive: true, filter: (from) => path.basename(from) !== "node_modules" });
	fs.symlinkSync(modules, path.join(dir, "node_modules"));
	return dir;
}

const passed = ["PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS"];
const without = (env) => Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));

function environment(name, kase, how, place) {
	const given = Object.fromEntries(passed.map((key) => [key, process.env[key]]));
	return without({ ...given, LANG: "C.UTF-8", PORT: place.port, COMPAT_RUN: place.dir, ...own[name](kase, place.dir), ...kase.env?.(place), ...how.env?.(place) });
}

function request(port, url, { timeout = 5000, body, ...options } = {}) {
	return new Promise((resolve, reject) => {
		const req = http.request({ host: "127.0.0.1", port, path: url, agent: false, ...options }, (res) => {
			const parts = [];
			res.on("data", (d) => parts.push(d)).on("error", reject);
			res.on("end", () => resolve({ status: res.statusCode, headers: res.headers, body: String(Buffer.concat(parts)) }));
		});
		req.setTimeout(timeout, () => req.destroy(new Error(`no answer to ${url}`))).on("error", reject);
		req.end(body);
	});
}

// pm2 gives its apps sessions of their own, so all that was started is known by a variable.
function processesOf(dir) {
	const belongs = (pid) => {
		try {
			return fs.readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`COMPAT_RUN=${dir}`);
		} catch {
			return false;
		}
	};
	return fs.readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && belongs(pid)).map(Number);
}

function kill(pid, signal) {
	try {
		process.kill(pid, signal);
	} catch (err) {
		if (err.code !== "ESRCH") throw err;
	}
}

// A pipe, as a container's stdout is one. child_process makes sockets, which lose what a program writes before it exits.
function makePipe(file) {
	execFileSync("mkfifo", [file]);
	const reader = new net.Socket({ fd: fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK), writable: false });
	return { reader, writer: fs.openSync(file, fs.constants.O_WRONLY) };
}

function spawnWatched(file, args, { stdin, ...options }, host) {
	const pipes = { out: makePipe(path.join(options.cwd, ".stdout")), err: makePipe(path.join(options.cwd, ".stderr")) };
	const child = spawn(file, args, { ...options, stdio: [stdin, pipes.out.writer, pipes.err.writer] });
	for (const [name, { reader, writer }] of Object.entries(pipes)) {
		fs.closeSync(writer);
		reader.setEncoding("utf8").on("data", (text) => (host[name] += text));
	}
	const closed = Promise.all(Object.values(pipes).map(({ reader }) => once(reader, "close")));
	host.ended = once(child, "exit").then(async ([code, signal]) => {
		host.code = code ?? 128 + os.constants.signals[signal];
		await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1000))]); // whom it left behind has its pipes
		return host.code;
	});
	host.ended.catch(() => {});
	if (!child.pid) throw new Error(`${file} cannot be executed`);
	return Object.assign(host, { pid: child.pid, stdin: child.stdin });
}

// What a check() has: { name, port, other (a free port), dir, workers, pid, stdin, out, err, ended, code } and
//   get(url, options)        asks the app
//   until(check, what, ms)   polls; fails at once when the host ends
//   answers(url)             waits until the app serves
//   signal(name), stop()     stop() gives the exit code
//   workersThat(ask)         the different results of ask(), what / answers, until each worker has answered
async function start(name, kase, modules) {
	const how = kase.hosts?.[name] ?? {};
	const workers = name === "node" ? 1 : kase.workers ?? 2;
	const port = await freePort(), other = await freePort();
	const dir = copyOf(kase.folder, modules);
	const place = { name, port, other, dir, pm2 };
	const { file, args } = commands[name](how.app ?? kase.app, workers);
	const env = environment(name, { workers, ...kase }, how, place);
	const host = { name, port, other, dir, workers, out: "", err: "", code: undefined };
	spawnWatched(file, how.args?.(place) ?? args, { cwd: dir, env, stdin: kase.stdin ?? "ignore" }, host);
	return Object.assign(host, methods(host));
}

function methods(host) {
	return {
		get: (url = "/", options = {}) => request(options.port ?? host.port, url, options),
		signal: (signal) => kill(host.pid, signal),
		// looks once more after the end: what is waited for may be a last word
		async until(check, what, ms = 10000) {
			const value = await until(async () => {
				const { code } = host;
				try {
					const found = await check();
					if (found || code === undefined) return found;
				} catch (err) {
					if (code === undefined) throw err;
				}
				return { ended: code };
			}, what, ms);
			if (value.ended !== undefined) throw new Error(`ended with ${value.ended} before ${what}`);
			return value;
		},
		answers: (url = "/", { within, ...options } = {}) => host.until(async () => (await host.get(url, { timeout: 1000, ...options })).status < 500, `an answer to ${url}`, within),
		says: (pattern, ms) => host.until(() => (host.out + host.err).match(pattern), `${pattern} in the log`, ms),
		async workersThat(ask, ms) {
			if (!ask) await host.answers("/", { within: ms });
			const seen = new Set();
			await host.until(async () => seen.add(await (ask ?? (async () => (await host.get()).body))()).size >= host.workers, `answers of ${host.workers} workers`, ms);
			return [...seen];
		},
		async stop(signal = "SIGTERM") {
			host.signal(signal);
			return host.ended;
		},
		async end() {
			if (host.code === undefined) host.signal("SIGTERM");
			const late = setTimeout(() => host.signal("SIGKILL"), 5000);
			await host.ended.catch(() => {});
			clearTimeout(late);
			for (const pid of processesOf(host.dir)) kill(pid, "SIGKILL");
			fs.rmSync(host.dir, { recursive: true, force: true, maxRetries: 5 });
		},
	};
}

module.exports = { start };
