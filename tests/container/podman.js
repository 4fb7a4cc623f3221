// Images and containers for the tests here. Every container that was started is removed at the end, however the test ends.
const { execFile, spawnSync } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const net = require("net");
const os = require("os");
const path = require("path");

const root = path.join(__dirname, "../..");
const clone = crypto.createHash("sha256").update(root).digest("hex").slice(0, 8); // several may be tested at a time
const image = (name) => `localhost/${name}:${clone}`;
const SIOINIT = image("sioinit");
const STATIC = image("sioinit-static");
const CHAT = image("sioinit-chat");
const work = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-")); // conmon leaves a file where it was started when memory runs out
const containers = new Set();
const pods = new Set();

function podman(...args) {
	const r = spawnSync("podman", args, { encoding: "utf8", maxBuffer: 1 << 26, cwd: work });
	return { code: r.status, out: r.stdout ?? "", err: r.stderr ?? String(r.error) };
}

function must(...args) {
	const r = podman(...args);
	if (r.code !== 0) throw new Error(`podman ${args.join(" ")}: exit ${r.code}\n${r.out}${r.err}`);
	return r.out.trim();
}

// While requests are under way: does not hold up their event loop. Resolves with what it printed.
function mustMeanwhile(...args) {
	return new Promise((resolve, reject) => {
		execFile("podman", args, { encoding: "utf8", cwd: work }, (err, out, text) => (err ? reject(new Error(`${err.message}\n${out}${text}`)) : resolve(out.trim())));
	});
}

// Exit status 77 tells ctest that the test was skipped. The bases come from a registry, or stand in for it locally.
function needPodman(...bases) {
	const skip = (why) => {
		console.log(`skipped: ${why}`);
		process.exit(77);
	};
	if (podman("info").code !== 0) skip("podman does not work here");
	for (const base of bases)
		if (podman("image", "exists", base).code !== 0 && podman("pull", "-q", base).code !== 0) skip(`no image ${base}`);
	if (podman("run", "--rm", "--network", "none", "--entrypoint", "/bin/true", bases[0]).code !== 0) skip("podman cannot run a container here");
}

// From what the tree has, unless an image of that name was made of the same before: by this test, or by another one's run. The
// images that its build arguments name are part of that.
function build(tag, dockerfile, context, ...options) {
	const t0 = Date.now();
	const made = crypto.createHash("sha256");
	for (const file of [dockerfile, ...filesOf(context)]) made.update(file).update(fs.readFileSync(path.join(root, file)));
	for (const option of options) made.update(option).update(imageId(option.split("=").pop()));
	const note = path.join(root, "build/images", tag.replace(/[/:]/g, "_"));
	const hash = made.digest("hex");
	if (fs.existsSync(note) && fs.readFileSync(note, "utf8") === `${hash} ${imageId(tag)}`) return;
	must("build", "--format", "docker", "-t", tag, "-f", path.join(root, dockerfile), ...options, path.join(root, context));
	fs.mkdirSync(path.dirname(note), { recursive: true });
	fs.writeFileSync(note, `${hash} ${imageId(tag)}`);
	console.log(`built ${tag} from ${dockerfile} in ${((Date.now() - t0) / 1000).toFixed(1)} s`);
}

// What a build may read of a folder of this tree: all, or what the folder's .dockerignore lets in
function filesOf(context) {
	const list = spawnSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: path.join(root, context), encoding: "utf8", maxBuffer: 1 << 26 });
	if (list.status !== 0) throw new Error(`git ls-files: ${list.stderr}`);
	const ignore = path.join(root, context, ".dockerignore");
	const admitted = fs.existsSync(ignore) ? fs.readFileSync(ignore, "utf8").split("\n").filter((l) => l.startsWith("!")).map((l) => l.slice(1)) : [];
	const isAdmitted = (file) => admitted.length === 0 || admitted.some((a) => file === a || file.startsWith(`${a}/`));
	return list.stdout.split("\n").filter((file) => file && isAdmitted(file)).map((file) => path.join(context, file)).filter((file) => fs.existsSync(path.join(root, file)));
}

const imageId = (name) => podman("image", "inspect", "-f", "{{.Id}}", name).out.trim();

// Compiled once, by the Dockerfile as for everybody: what is built later takes the binary from podman's cache of the first.
const buildSioinit = () => build(SIOINIT, "Dockerfile", ".");
const buildStatic = () => build(STATIC, "Dockerfile", ".", "--target", "static");

function buildChat() {
	buildSioinit();
	build(CHAT, "examples/docker/Dockerfile", "examples/chat", "--build-arg", `SIOINIT=${SIOINIT}`);
}

// A running container; options are podman's.
function start(options, image, ...command) {
	const id = must("run", "-d", ...options, image, ...command);
	containers.add(id);
	return containerOf(id);
}

function containerOf(id) {
	return {
		id,
		hostPort: (port) => Number(must("port", id, `${port}/tcp`).split("\n")[0].split(":").pop()),
		exec: (...args) => must("exec", id, ...args),
		tryExec: (...args) => podman("exec", id, ...args),
		logs: () => {
			const r = podman("logs", id);
			return r.out + r.err;
		},
		running: () => must("inspect", "-f", "{{.State.Running}}", id) === "true",
		wait: () => Number(must("wait", id)),
		exitCode: () => Number(must("inspect", "-f", "{{.State.ExitCode}}", id)),
		processes: () => processes(id),
	};
}

const PORTS = ["-p", "127.0.0.1::8080", "-p", "127.0.0.1::9090", "-e", "SIOINIT_ADMIN=0.0.0.0:9090"];
const APP = ["-v", `${path.join(__dirname, "fixtures/app.js")}:/app/app.js:ro`];

async function untilReady(c) {
	c.http = c.hostPort(8080);
	c.admin = c.hostPort(9090);
	c.connect = () => net.connect(c.http, "127.0.0.1").on("error", () => {});
	c.status = async () => JSON.parse((await get(c.admin, "/status")).body);
	try {
		await until("/readyz is 200", async () => (await get(c.admin, "/readyz")).status === 200);
	} catch (err) {
		throw new Error(`${err.message}\n${c.logs()}`, { cause: err });
	}
	return c;
}

// fixtures/app.js in sioinit's own image, with both ports published.
const startApp = (...options) => start([...PORTS, ...APP, ...options], SIOINIT, "app.js");

// Its containers publish the pod's ports; app is what startApp() mounts.
function startPod(...options) {
	const id = must("pod", "create", ...options);
	pods.add(id);
	const infra = must("pod", "inspect", "-f", "{{.InfraContainerID}}", id);
	return {
		app: APP,
		start: (more, image, ...command) => ({ ...start(["--pod", id, ...more], image, ...command), hostPort: containerOf(infra).hostPort }),
	};
}

// [{pid, ppid, state, command}] as the container's own /proc has them, without those of the look itself.
function processes(id) {
	const script = 'for p in /proc/[0-9]*; do [ "${p#/proc/}" = $$ ] || { cat $p/stat 2>/dev/null && tr "\\0" " " <$p/cmdline; echo; }; done';
	return must("exec", id, "sh", "-c", script)
		.split("\n")
		.reduce((list, line) => {
			const m = /^(\d+) \((.*)\) (\w) (\d+) /.exec(line);
			if (m) list.push({ pid: Number(m[1]), name: m[2], state: m[3], ppid: Number(m[4]), command: "" });
			else if (list.length && line) list.at(-1).command += line.trim();
			return list;
		}, [])
		.filter((p) => !p.command.includes("/proc/[0-9]*") && !["cat", "tr"].includes(p.name));
}

function get(port, url, options = {}) {
	return new Promise((resolve, reject) => {
		const req = http.request({ host: "127.0.0.1", port, path: url, agent: false, timeout: 3000, ...options }, (res) => {
			let body = "";
			res.setEncoding("utf8");
			res.on("data", (d) => (body += d));
			res.on("end", () => resolve({ status: res.statusCode, headers: res.headers, body }));
		});
		req.on("timeout", () => req.destroy(new Error("timeout")));
		req.on("error", reject);
		req.end(options.body);
	});
}

// Requests without pause, two at a time, until the returned function is called: it resolves with what did not answer 200.
// The port, or a function that says which; options are of get().
function load(port, options) {
	const failed = [];
	let going = true;
	const client = async () => {
		while (going) {
			const status = await get(typeof port === "function" ? port() : port, "/", options).then((r) => r.status, (err) => err.message);
			if (status !== 200) failed.push(status);
		}
	};
	const clients = Promise.all([client(), client()]);
	return async () => {
		going = false;
		await clients;
		return failed;
	};
}

// A socket that its worker holds from then on.
function websocket(port, url) {
	return new Promise((resolve, reject) => {
		const headers = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": crypto.randomBytes(16).toString("base64") };
		const req = http.get({ host: "127.0.0.1", port, path: url, headers });
		req.on("error", reject).on("response", (res) => reject(new Error(`${res.statusCode} for a WebSocket`)));
		req.on("upgrade", (res, socket) => resolve(socket.on("error", () => {}).resume()));
	});
}

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

// Polls until check() gives something true; what it threw last is in the message, and its cause. A failed assertion ends
// it at once.
async function until(what, check, ms = 30000) {
	const begin = Date.now();
	let last;
	for (;;) {
		try {
			const value = await check();
			if (value) return value;
		} catch (err) {
			if (err.code === "ERR_ASSERTION") throw err;
			last = err;
		}
		const took = Date.now() - begin;
		if (took > ms) throw new Error(`not within ${took} ms: ${what}${last ? ` (${last.message})` : ""}`, { cause: last });
		await sleep(50);
	}
}

process.on("exit", () => {
	if (pods.size) podman("pod", "rm", "-f", "-i", "-t", "0", ...pods);
	if (containers.size) podman("rm", "-f", "-i", "-t", "0", ...containers);
	fs.rmSync(work, { recursive: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

module.exports = {
	clone, SIOINIT, STATIC, CHAT, PORTS, image, root, podman, must, mustMeanwhile, needPodman, build, buildSioinit, buildStatic, buildChat, start, containerOf, startApp, startPod, untilReady, get, load, websocket, sleep, until,
};
