// Does what a page says, as its reader would: play.js PAGE FOLDER. Exit code 1 when something is not as the page has it, with
// the block and what it printed; a block that cannot be run on this machine is a line "without WHAT".
const { spawn, spawnSync } = require("child_process");
const fs = require("fs");
const http = require("http");
const path = require("path");
const { steps } = require("./page.js");

const [page, folder] = process.argv.slice(2).map((p) => path.resolve(p));
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const running = []; // blocks in the background
const over = []; // those before, which may have left processes behind
const state = `${folder}.state`; // where the last block was, and its exported variables
let printed = () => ""; // by the last block

// The folder and what was exported, from block to block
const around = (text) => `trap 'pwd >${state}.pwd; export -p >${state}.env' EXIT\n[ ! -e ${state}.env ] || . ${state}.env\n[ ! -e ${state}.pwd ] || cd "$(cat ${state}.pwd)"\n${text}`;

function begin(text) {
	const p = spawn("bash", ["-e", "-c", text], { cwd: folder, detached: true, stdio: ["ignore", "pipe", "pipe"] });
	const block = { p, out: "" };
	for (const stream of [p.stdout, p.stderr]) stream.on("data", (d) => (block.out += d));
	block.exited = new Promise((resolve) => p.on("exit", (code, signal) => resolve((block.code = code ?? signal))));
	block.ended = new Promise((resolve) => p.on("close", resolve));
	printed = () => block.out;
	return block;
}

function fail(step, why, out) {
	throw new Error(`${path.basename(page)}:${step.line}: ${why}\n${step.text}--- printed:\n${out}`);
}

async function within(ms, check) {
	for (const end = Date.now() + ms; ; await sleep(50)) {
		if (await check()) return true;
		if (Date.now() > end) return false;
	}
}

const interrupt = (block) => end(block, ["SIGINT", "SIGTERM", "SIGKILL"]); // as Ctrl-C does
const terminate = (block) => end(block, ["SIGTERM", "SIGKILL"]);

const answers = (url) => new Promise((resolve) => http.get(url, (res) => resolve(res.resume() && res.statusCode !== 503)).on("error", () => resolve(false)));

function alive(pid) {
	try {
		return process.kill(-pid, 0);
	} catch {
		return false;
	}
}

async function end(block, signals) {
	for (const signal of signals) {
		if (alive(block.p.pid)) process.kill(-block.p.pid, signal);
		if (await within(10000, () => !alive(block.p.pid))) return;
	}
}

async function background(step) {
	const before = running.findIndex((b) => b.url === step.background);
	if (before >= 0) await interrupt(running.splice(before, 1)[0]);
	if (await answers(step.background)) fail(step, `something else answers at ${step.background}`, "");
	const block = begin(`[ ! -e ${state}.env ] || . ${state}.env\n[ ! -e ${state}.pwd ] || cd "$(cat ${state}.pwd)"\n${step.text}`);
	running.push(Object.assign(block, { url: step.background }));
	if (!(await within(60000, async () => block.code !== undefined || (await answers(step.background))))) fail(step, `no answer at ${step.background}`, block.out);
	if (block.code !== undefined) fail(step, `ended with ${block.code}`, block.out);
	// One worker answers; a reader takes so long that all are ready
	if (/component"?[=:]"?init/.test(block.out)) await within(30000, () => /serving on/.test(block.out));
}

async function foreground(step) {
	const block = begin(around(step.text));
	over.push(block);
	const late = setTimeout(() => process.kill(-block.p.pid, "SIGKILL"), 120000);
	const code = await block.exited;
	clearTimeout(late);
	await Promise.race([block.ended, sleep(1000)]); // what it has left running may hold its output
	if (code !== step.code) fail(step, `exit code ${code}`, block.out);
}

// A command, or a Python module
const has = (name) => spawnSync("bash", ["-c", 'command -v "$0" || python3 -c "import $0"', name]).status === 0;
const podman = () => spawnSync("podman", ["info"]).status === 0;

function missing(step) {
	if (step.needs && !has(step.needs)) return step.needs;
	return step.container && !podman() ? "podman" : undefined;
}

const does = {
	file(step) {
		const name = path.resolve(fs.existsSync(`${state}.pwd`) ? fs.readFileSync(`${state}.pwd`, "utf8").trim() : folder, step.name);
		fs.mkdirSync(path.dirname(name), { recursive: true });
		fs.writeFileSync(name, step.text, { mode: step.text.startsWith("#!") ? 0o755 : 0o644 });
	},
	run: (step) => (step.background ? background(step) : foreground(step)),
	async output(step) {
		const literal = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replace(/\s+/g, "\\s+");
		const pattern = (line) => new RegExp(line.trim().split(/\s*\.\.\.\s*/).map(literal).join(".*"));
		const absent = () => step.text.split("\n").filter((line) => line.trim() && !pattern(line).test(printed()));
		if (!(await within(10000, () => absent().length === 0))) fail(step, `not printed: ${absent().join(" | ")}`, printed());
	},
};

async function play() {
	let left = false; // the last block was left out, so what it prints is not there
	for (const step of steps(fs.readFileSync(page, "utf8"))) {
		const why = step.kind === "run" && missing(step);
		if (why) console.log(`without ${why}`);
		if (step.kind === "run") left = Boolean(why);
		if (!why && !(step.kind === "output" && left)) await does[step.kind](step);
	}
}

play()
	.catch((err) => {
		console.log(err.message);
		process.exitCode = 1;
	})
	.finally(() => Promise.all([...running.map(interrupt), ...over.map(terminate)]))
	.finally(() => process.exit()); // what still has an end of a pipe would keep it
