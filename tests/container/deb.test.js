// The debs, on a Debian that has Node and nothing else of ours: installed, upgraded, removed, purged. With systemd: systemd.test.js.
const assert = require("assert");
const { spawnSync } = require("child_process");
const fs = require("fs");
const path = require("path");
const test = require("node:test");
const { get, needPodman, root, start, until } = require("./podman.js");

const BASE = "docker.io/library/node:22-bookworm-slim";
const SETTINGS = "/etc/default/sioinit";

needPodman(BASE);
const out = path.join(root, "build/packages/deb");
fs.mkdirSync(out, { recursive: true });
for (const old of fs.readdirSync(out)) fs.rmSync(path.join(out, old));
const made = spawnSync(path.join(root, "packaging/deb/build"), [out], { encoding: "utf8" });
if (made.status === 77) {
	console.log(made.stdout.trim().split("\n").at(-1));
	process.exit(77);
}
assert.strictEqual(made.status, 0, made.stdout + made.stderr);
const debs = fs.readdirSync(out).filter((name) => /_amd64\.deb$|_arm64\.deb$/.test(name));
const forHere = debs.filter((name) => name.endsWith(process.arch === "x64" ? "_amd64.deb" : "_arm64.deb"));
const anywhere = forHere.find((name) => !name.includes("+"));
const ofHere = forHere.find((name) => name.includes("+debian12"));
const elsewhere = !ofHere && "this is not the image's distribution";
const version = (deb) => deb.split("_")[1];

const c = start(["-p", "127.0.0.1::8080", "-v", `${out}:/debs:ro`, "-v", `${__dirname}/fixtures/app.js:/srv/sioinit/app.js:ro`], BASE, "sleep", "infinity");
const sh = (script) => c.exec("sh", "-ec", script);
const apt = (...args) => c.exec("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "Dpkg::Options::=--force-confold", ...args);
const installed = () => sh("dpkg-query -W -f '${Status} ${Version}' sioinit");
const files = () => sh("find / -xdev \\( -path /proc -o -path /sys -o -path /tmp -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \\) -prune -o -print | sort").split("\n");

sh("sed -i /path-exclude/d /etc/dpkg/dpkg.cfg.d/*"); // slim images leave manuals out
const before = files();

// What is installed, with another version and another text in its settings
function older() {
	sh(`dpkg-deb -R /debs/${anywhere} /tmp/older; cd /tmp/older
		sed -i 's/^Version: .*/Version: 0.0.9-1/' DEBIAN/control; echo '# of old' >>.${SETTINGS}; sed -i '/etc.default/d' DEBIAN/md5sums
		dpkg-deb --root-owner-group -b . /tmp/sioinit_0.0.9-1.deb`);
	return "/tmp/sioinit_0.0.9-1.deb";
}

test("the deb for any distribution depends on nothing", () => {
	assert.strictEqual(sh(`dpkg-deb -f /debs/${anywhere} Depends`), "");
});

test("the deb for this distribution depends on its libraries", { skip: elsewhere }, () => {
	const needs = sh(`dpkg-deb -f /debs/${ofHere} Depends`).split(", ").map((dependency) => dependency.split(" ")[0]);
	assert.deepStrictEqual(needs, ["libc6", "libjansson4", "libmsgpackc2", "libseccomp2", "libuv1", "libyaml-0-2"]);
});

test("installed, it brings nothing else and starts nothing", () => {
	assert.match(apt("install", older()), /\n0 upgraded, 1 newly installed, 0 to remove/);
	assert.strictEqual(installed(), "install ok installed 0.0.9-1");
	assert.deepStrictEqual(c.processes().map((p) => p.name), ["sleep"]);
	assert.strictEqual(sh("find /etc/systemd -name '*sioinit*'"), "");
});

test("upgraded: the settings stay as they were changed", () => {
	sh(`echo PORT=8080 >${SETTINGS}`);
	apt("install", `/debs/${anywhere}`);
	assert.strictEqual(installed(), `install ok installed ${version(anywhere)}`);
	assert.strictEqual(sh(`cat ${SETTINGS}`), "PORT=8080");
});

test("the program, its manual, completions and units are where they belong", () => {
	assert.match(c.exec("sioinit", "version"), /\d+\.\d+\.\d+/);
	assert.match(sh("zcat /usr/share/man/man8/sioinit.8.gz"), /^\.Nm sioinit/m);
	assert.match(c.exec("bash", "-c", ". /usr/share/bash-completion/completions/sioinit && complete -p sioinit"), /complete .*sioinit/);
	sh("cd /usr/share/doc/sioinit/monitoring && test -s grafana-dashboard.json -a -s alerts.yaml");
	sh("test -s /usr/share/zsh/vendor-completions/_sioinit -a -s /usr/share/fish/vendor_completions.d/sioinit.fish");
	const units = fs.readdirSync(path.join(root, "systemd")).filter((name) => /\.(service|socket)$/.test(name));
	assert.deepStrictEqual(sh("cd /usr/lib/systemd/system && ls sioinit*").split("\n"), units.sort());
});

test("it serves", async () => {
	c.exec("sh", "-c", "cd /srv/sioinit && PORT=8080 sioinit app.js >/tmp/log 2>&1 & echo $! >/tmp/pid");
	await until("an answer", async () => (await get(c.hostPort(8080), "/")).status === 200);
	sh("kill $(cat /tmp/pid)");
	await until("it has ended", () => c.processes().every((p) => p.name !== "sioinit" || p.state === "Z")); // PID 1 here reaps nobody
});

test("the deb for this distribution: apt finds its libraries", { skip: elsewhere }, () => {
	apt("update", "-qq");
	apt("install", "-qq", "--no-install-recommends", `/debs/${ofHere}`);
	assert.strictEqual(installed(), `install ok installed ${version(ofHere)}`);
	assert.match(c.exec("sioinit", "version"), /\d+\.\d+\.\d+/);
});

test("removed, the settings stay; purged, nothing does", () => {
	apt("remove", "--autoremove", "sioinit");
	assert.strictEqual(sh(`cat ${SETTINGS}`), "PORT=8080");
	assert.notStrictEqual(c.tryExec("sioinit", "version").code, 0);
	sh("mkdir -p /etc/systemd/system/multi-user.target.wants && ln -s /usr/lib/systemd/system/sioinit.service /etc/systemd/system/multi-user.target.wants/");
	apt("purge", "sioinit");
	assert.deepStrictEqual(files().filter((name) => !before.includes(name) && !/^\/etc\/systemd\/system(\/multi-user.target.wants)?$/.test(name)), []);
});
