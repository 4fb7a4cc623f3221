// The static binary: what is in it, and that it serves as PID 1 in roots that have nothing for it: not a libc, nor users, nor
// /tmp. The same file is mounted into each. The musl root stands in for Alpine's, whose packages no Debian has: busybox and
// musl's own loader are what an Alpine image is made of.
const assert = require("assert");
const { spawnSync } = require("child_process");
const fs = require("fs");
const path = require("path");
const test = require("node:test");
const { get, must, needPodman, podman, root, start, until } = require("./podman.js");

const NODE = "docker.io/library/node:22-bookworm-slim";
const DISTROLESS = "gcr.io/distroless/nodejs22-debian12";
needPodman(NODE);

const ARCH = { x64: "x86_64", arm64: "aarch64" }[process.arch];
const folder = path.join(root, "build/roots");
const binary = path.join(root, `build/static-${ARCH}/sioinit`);
const hello = path.join(__dirname, "fixtures/hello.c");

function run(command, ...args) {
	const r = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
	assert.strictEqual(r.status, 0, `${command} ${args.join(" ")}: ${r.stdout}${r.stderr}`);
	return r.stdout;
}

// Packages that are only for this test.
function need(...packages) {
	const missing = packages.filter((p) => spawnSync("dpkg-query", ["-W", "-f=${Status}", p], { encoding: "utf8" }).stdout !== "install ok installed");
	if (missing.length) run("apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing);
}

// A root that is made once, in a folder of its own.
function made(name, make, ...options) {
	const dir = path.join(folder, name);
	if (!fs.existsSync(dir)) {
		fs.rmSync(`${dir}.new`, { recursive: true, force: true });
		fs.mkdirSync(`${dir}.new`, { recursive: true });
		make(`${dir}.new`);
		fs.renameSync(`${dir}.new`, dir);
	}
	return [...options, "--rootfs", dir];
}

function busybox(dir, ...names) {
	fs.mkdirSync(path.join(dir, "bin"), { recursive: true });
	fs.copyFileSync("/bin/busybox", path.join(dir, "bin/busybox"));
	for (const name of names) fs.symlinkSync("busybox", path.join(dir, "bin", name));
	fs.mkdirSync(path.join(dir, "www"));
	fs.writeFileSync(path.join(dir, "www/index.html"), "httpd");
}

const HTTPD = ["httpd", "-f", "-p", "127.0.0.1:{port}", "-h", "/www"];

function withMusl(dir) {
	busybox(dir, "sh", "cat", "ls");
	const loader = `lib/ld-musl-${ARCH}.so.1`;
	fs.mkdirSync(path.join(dir, "lib"));
	fs.copyFileSync(`/${loader}`, path.join(dir, loader));
	run("musl-gcc", "-O2", "-o", path.join(dir, "bin/hello"), hello);
}

function withUsers(dir) {
	busybox(dir, "sh", "cat", "httpd");
	fs.mkdirSync(path.join(dir, "etc"));
	fs.writeFileSync(path.join(dir, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\nweb:x:1234:1235:of the web:/www:/bin/sh\n");
	fs.writeFileSync(path.join(dir, "etc/group"), "root:x:0:\nlogs:x:77:other,web\nweb:x:1235:\n");
}

// Ubuntu's own libc and files, from the mirror that Debian's come from, where it has both.
function withUbuntu(dir) {
	const mirror = run("apt-get", "indextargets", "--format", "$(REPO_URI)").split("\n").find((uri) => /\/debian\/$/.test(uri));
	const uri = ARCH === "x86_64" ? (mirror ?? "").replace(/debian\/$/, "ubuntu") : "";
	run("mmdebstrap", "--mode=root", "--variant=extract", "--include=base-files,libc6", "noble", dir, `deb [trusted=yes] ${uri} noble main`);
	run("cc", "-O2", "-o", path.join(dir, "usr/bin/hello"), hello);
}

const APP = ["-v", `${path.join(__dirname, "fixtures/app.js")}:/app/app.js:ro`, "-w", "/app"];
const OPTIONS = ["-p", "127.0.0.1::8080", "-e", "SIOINIT_WORKERS=2", "-v", `${binary}:/sioinit:ro`, "--entrypoint", "/sioinit"];
const NOBODY = ["--user", "12345:12345", "--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL"];

// root: podman's options and the image, or the folder that is one; command: what sioinit runs; answer: the worker's
const roots = {
	"scratch, nobody, read-only": { root: () => made("scratch", busybox, ...NOBODY), command: ["--", "/bin/busybox", ...HTTPD], answer: /^httpd$/ },
	busybox: { root: () => made("busybox", withUsers), command: ["--user", "web", "--", ...HTTPD], answer: /^httpd$/, groups: "77 1235" },
	"musl and busybox": { root: () => made("musl", withMusl), command: ["--", "hello"], answer: /^musl/ },
	debian: { root: () => [...APP, NODE], command: ["app.js"], answer: /"pid"/ },
	distroless: { root: () => [...APP, "-e", "PATH=/nodejs/bin:/usr/bin", DISTROLESS], command: ["app.js"], answer: /"pid"/, needs: DISTROLESS },
	ubuntu: { root: () => made("ubuntu", withUbuntu), command: ["--", "hello"], answer: /^glibc/ },
};

need("busybox-static", "musl-tools", "mmdebstrap");
run("script/build", "static");

test("one file: nothing is loaded, all is guarded, it is small", () => {
	const facts = run("readelf", "-hldW", binary);
	assert.match(facts, /Type:\s+DYN/); // placed anywhere
	assert.doesNotMatch(facts, /INTERP|NEEDED/);
	assert.match(facts, /GNU_STACK\s+(0x0+\s+){3}0x0+\s+0x0+\s+RW\s/);
	assert.match(facts, /GNU_RELRO/);
	assert.match(facts, /\(FLAGS_1\).*NOW.*PIE/);
	assert.ok(fs.statSync(binary).size < 2 << 20, `${fs.statSync(binary).size} bytes`);
});

test("it says what it is", () => {
	const { version, target, features, libraries } = JSON.parse(run(binary, "version", "--json"));
	assert.match(fs.readFileSync(path.join(root, "CMakeLists.txt"), "utf8"), new RegExp(`VERSION ${version.replaceAll(".", "\\.")} `));
	assert.strictEqual(target, `${ARCH}-linux-gnu`);
	assert.deepStrictEqual(features, { static: true, libsystemd: false, nss: false, seccomp: true });
	assert.match(libraries.libuv, /^1\./);
	assert.strictEqual(run(binary, "--version"), `sioinit ${version}\n`);
});

for (const [name, { root: rootOf, command, answer, groups, needs }] of Object.entries(roots)) {
	const skip = needs && podman("image", "exists", needs).code !== 0 && podman("pull", "-q", needs).code !== 0 && `no image ${needs}`;
	test(name, { skip }, async () => {
		const c = start([...OPTIONS, ...rootOf()], ...command);
		const port = c.hostPort(8080);
		const served = await until("it serves", async () => {
			const { status, body } = await get(port, "/");
			return status === 200 && body;
		}).catch((err) => assert.fail(`${err.message}\n${c.logs()}`));
		assert.match(served, answer);
		assert.match(c.exec("/sioinit", "status"), /^all is well\nsioinit .* serving[^]* ready /);
		if (groups) assert.match(c.exec("sh", "-c", "cat /proc/*/status"), new RegExp(`^Name:\\s+httpd[^]*?^Uid:\\s+1234\\s[^]*?^Groups:\\s+${groups}\\s*$`, "m"));
		must("stop", "-t", "10", c.id);
		assert.strictEqual(c.exitCode(), 0, c.logs());
		assert.doesNotMatch(c.logs(), /level=error/);
	});
}
