// Every page in docs/ does what it says (page.js has the marks): each in an empty folder, in a network and a process tree of
// its own, so all may use port 8080, and nothing is left running. npm gets what the pages install from a cache that is filled
// before. Pages with containers share the machine's network and run one after another. PAGE=start.md: that one alone.
const assert = require("assert");
const { spawn, spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const test = require("node:test");
const { steps, packages } = require("./page.js");

const tree = path.join(__dirname, "../..");
const build = path.resolve(process.env.BUILD_DIR ?? path.join(tree, "build/release"), "docs");
const cache = path.join(tree, "build/npm-cache");
const pages = fs
	.readdirSync(path.join(tree, "docs"))
	.filter((name) => name.endsWith(".md") && (!process.env.PAGE || process.env.PAGE === name))
	.map((name) => ({ name, steps: steps(fs.readFileSync(path.join(tree, "docs", name), "utf8")) }))
	.filter((page) => page.steps.some((s) => s.kind === "run"));

const namespaces = ["--net", "--pid", "--fork", "--mount-proc", "--kill-child", ...(process.getuid() === 0 ? [] : ["--user", "--map-root-user"])];
const skip = spawnSync("unshare", [...namespaces, "ip", "link", "set", "lo", "up"]).status !== 0 && "no network namespaces here, or no ip";

// The npm packages that pages install, once: a page's own npm runs without a network.
function fillCache() {
	const wanted = [...new Set(pages.flatMap((p) => packages(p.steps)))].sort();
	const stamp = path.join(cache, "filled-for");
	if (!wanted.length || (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === wanted.join("\n"))) return;
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-docs-"));
	fs.writeFileSync(path.join(folder, "package.json"), "{}");
	const r = spawnSync("npm", ["install", "--force", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--cache", cache, ...wanted], { cwd: folder, encoding: "utf8" });
	fs.rmSync(folder, { recursive: true });
	assert.strictEqual(r.status, 0, r.stderr);
	fs.writeFileSync(stamp, wanted.join("\n"));
}

// First in the pages' PATH: sioinit, Debian's python3, Bun and Deno where they are installed, and podman by the name that readers
// know it by, which notes the images that it is told to make.
const runtimes = path.join(tree, "tests/e2e/runtimes/node_modules");
const programs = {
	sioinit: process.env.BIN_UNDER_TEST,
	python3: "/usr/bin/python3",
	bun: path.join(runtimes, "@oven/bun-linux-x64/bin/bun"),
	deno: path.join(runtimes, "@deno/linux-x64-glibc/deno"),
};

function tools() {
	const bin = path.join(build, "bin");
	fs.rmSync(build, { recursive: true, force: true });
	fs.mkdirSync(bin, { recursive: true });
	for (const [name, program] of Object.entries(programs)) if (fs.existsSync(program)) fs.symlinkSync(program, path.join(bin, name));
	const docker = `#!/bin/bash
case $1 in
run) shift; exec podman run --label sioinit-docs=$PAGE "$@" ;;
build) shift; args=("$@"); while [ $# -gt 0 ]; do [ "$1" != -t ] || echo "$2" >>$PAGE_IMAGES; shift; done; exec podman build --format docker "\${args[@]}" ;;
compose) shift; exec podman-compose "$@" ;;
*) exec podman "$@" ;;
esac
`;
	fs.writeFileSync(path.join(bin, "docker"), docker, { mode: 0o755 });
	return bin;
}

function environment(name, bin) {
	const home = path.join(build, `${name}.home`);
	fs.mkdirSync(home);
	const { LANG, USER } = process.env;
	return {
		LANG, USER, TREE: tree, HOME: home, PAGE: name, PAGE_IMAGES: path.join(build, `${name}.images`),
		PATH: [bin, process.env.PATH, path.join(tree, "tests/e2e/runtimes/node_modules/.bin"), path.join(tree, "build/kubernetes-tools/bin"), path.join(tree, "build/prometheus/bin")].join(":"),
		GOCACHE: path.join(tree, "build/go-cache"), GOFLAGS: "-mod=mod",
		npm_config_cache: cache, npm_config_offline: "true", npm_config_audit: "false", npm_config_fund: "false", npm_config_update_notifier: "false",
	};
}

// sh reaps what is left over; what has left its group ends with it
function play(page, bin, alone) {
	const folder = path.join(build, page.name);
	fs.mkdirSync(folder);
	const command = [process.execPath, path.join(__dirname, "play.js"), path.join(tree, "docs", page.name), folder];
	const all = alone ? ["unshare", ...namespaces, "sh", "-c", 'ip link set lo up; "$0" "$@"; exit $?', ...command] : command;
	const env = environment(page.name, bin);
	if (!alone) delete env.npm_config_offline;
	const p = spawn(all[0], all.slice(1), { env, stdio: ["ignore", "pipe", "pipe"] });
	let out = "";
	for (const stream of [p.stdout, p.stderr]) stream.on("data", (d) => (out += d));
	return new Promise((resolve) => p.on("close", (code) => resolve({ code, out })));
}

// What the page has left, if it did not come to its end
function removeContainers(name) {
	const { stdout } = spawnSync("podman", ["ps", "-aq", "--filter", `label=sioinit-docs=${name}`], { encoding: "utf8" });
	const left = (stdout ?? "").split("\n").filter(Boolean);
	if (left.length) spawnSync("podman", ["rm", "-f", "-t", "0", ...left]);
	const images = path.join(build, `${name}.images`);
	if (fs.existsSync(images)) spawnSync("podman", ["rmi", "-f", ...fs.readFileSync(images, "utf8").split("\n").filter(Boolean)]);
}

async function one(t, page, bin, alone) {
	await t.test(page.name, async (inner) => {
		const { code, out } = await play(page, bin, alone).finally(() => alone || removeContainers(page.name));
		for (const without of new Set(out.match(/^without .*$/gm))) await inner.test(`${page.name} ${without}`, { skip: "some of its blocks" }, () => {});
		assert.strictEqual(code, 0, out);
	});
}

test("the pages in docs/", { skip, timeout: 600000, concurrency: os.cpus().length }, async (t) => {
	fillCache();
	const bin = tools();
	const containers = pages.filter((p) => p.steps.some((s) => s.container));
	await Promise.all(pages.filter((p) => !containers.includes(p)).map((page) => one(t, page, bin, true)));
	for (const page of containers) await one(t, page, bin, false);
});
