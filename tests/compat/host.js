// Starts the app of a case under sioinit, pm2-runtime or plain Node, in a copy of the case's folder, and asks it.
const { spawn } = require("child_process");
const fs = require("fs");
const http = require("http");
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

function watch(child, host) {
	child.stdout.on("data", (d) => (host.out += d));
	child.stderr.on("data", (d) => (host.err += d));
	host.ended = new Promise((resolve, reject) => {
		child.on("error", reject);
		child.on("close", (code, signal) => resolve((host.code = code ?? 128 + os.constants.signals[signal])));
	});
	host.ended.catch(() => {});
}

// What a check() has: { name, port, other (a free port), dir, workers, pid, out, err, log, ended, code } and
//   get(url, options)        asks the app
//   until(check, what, ms)   polls; fails at once when the host ends
//   answers(url)             waits until the app serves
//   signal(name), stop()     stop() gives the exit code
//   workersThat(ask)         the different results of ask() until each worker has answered
async function start(name, kase, modules) {
	const how = kase.hosts?.[name] ?? {};
	const workers = name === "node" ? 1 : kase.workers ?? 2;
	const port = await freePort();
	const dir = copyOf(kase.folder, modules);
	const place = { name, port, other: port + 8, dir, pm2 };
	const { file, args } = commands[name](how.app ?? kase.app, workers);
	const env = environment(name, { workers, ...kase }, how, place);
	const child = spawn(file, how.args?.(place) ?? args, { cwd: dir, env, stdio: [kase.stdin ?? "ignore", "pipe", "pipe"] });
	const host = { name, port, other: place.other, dir, workers, pid: child.pid, stdin: child.stdin, out: "", err: "", code: undefined };
	watch(child, host);
	return Object.assign(host, methods(host));
}

function methods(host) {
	const alive = () => {
		if (host.code !== undefined) throw Object.assign(new Error(`ended with ${host.code}`), { final: true });
	};
	return {
		get: (url = "/", options = {}) => request(options.port ?? host.port, url, options),
		signal: (signal) => kill(host.pid, signal),
		processes: () => processesOf(host.dir),
		async until(check, what, ms = 10000) {
			const guarded = async () => {
				const value = await check();
				return value || (host.code === undefined ? value : { final: true });
			};
			const value = await until(guarded, what, ms);
			if (value.final) alive();
			return value;
		},
		answers: (url = "/", options) => host.until(async () => (await host.get(url, { timeout: 1000, ...options })).status < 500, `an answer to ${url}`),
		says: (pattern, ms) => host.until(() => (host.out + host.err).match(pattern), `${pattern} in the log`, ms),
		async workersThat(ask, ms) {
			const seen = new Set();
			await host.until(async () => seen.add(await ask()).size >= host.workers, `answers of ${host.workers} workers`, ms);
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
