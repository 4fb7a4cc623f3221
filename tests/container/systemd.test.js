// systemd/*.service and *.socket with a real systemd (PID 1 of a container): notification, restarts without loss, socket activation
// by name, stop, watchdog, sandbox, instances; then docs/systemd.md, as its readers would. Needs a binary that was built on
// the distribution of the image.
const assert = require("assert");
const { spawn } = require("child_process");
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const test = require("node:test");
const { build, image, must, needPodman, root, start, until } = require("./podman.js");

const SOCKETS = ["sioinit.socket", "sioinit-admin.socket"];
const UNITS = ["sioinit.service", "sioinit@.service", "sioinit@.socket", ...SOCKETS];
const INSTANCES = ["red", "blue"];
const PAGE = fs.readFileSync(path.join(root, "docs/systemd.md"), "utf8");
const MODULES = path.join(root, "tests/e2e/node_modules"); // Socket.IO
const WATCHDOG_S = 3;
const SYSTEMD = image("sioinit-systemd");

needPodman("docker.io/library/node:22-bookworm-slim");
build(SYSTEMD, "tests/container/systemd/Dockerfile", "tests/container/systemd");
const c = start(["--systemd=always", "--cap-add", "SYS_ADMIN", "-v", `${MODULES}:/srv/node_modules:ro`], SYSTEMD);

const systemctl = (...args) => c.exec("systemctl", ...args);
const show = (...properties) =>
	Object.fromEntries(
		systemctl("show", "sioinit.service", "-p", properties.join(",")).split("\n").map((l) => [l.slice(0, l.indexOf("=")), l.slice(l.indexOf("=") + 1)]),
	);
const set = (name, text) => c.exec("sh", "-c", `echo '${text}' >/etc/default/${name}`);
const journal = () => c.exec("journalctl", "--no-pager", "-o", "cat", "-u", "sioinit.service");

// From inside, by Node: waits as long as systemd holds the connection. Status 0: there was no answer.
function get(port, url) {
	const script = `fetch("http://127.0.0.1:${port}${url}").then(async (r) => console.log(JSON.stringify({ status: r.status, body: await r.text() })))`;
	const r = c.tryExec("node", "-e", script);
	return r.code === 0 ? JSON.parse(r.out) : { status: 0, body: r.err };
}

test("systemd runs", async () => {
	await until("systemd is up", () => /running|degraded/.test(c.tryExec("systemctl", "is-system-running").out));
	must("cp", process.env.BIN_UNDER_TEST, `${c.id}:/usr/local/bin/sioinit`);
	for (const unit of UNITS) must("cp", path.join(root, "systemd", unit), `${c.id}:/etc/systemd/system/${unit}`);
	set("sioinit", "SIOINIT_PORT=8080");
	INSTANCES.forEach((name, i) => {
		c.exec("cp", "-r", "/srv/sioinit", `/srv/${name}`);
		set(`sioinit-${name}`, `SIOINIT_PORT=${8081 + i}`);
	});
	systemctl("daemon-reload");
});

test("the units pass systemd-analyze verify, and are as confined as docs/systemd.md says", () => {
	const score = Number(/exposure level of (\d+\.\d)/.exec(PAGE)[1]);
	const units = UNITS.map((u) => `/etc/systemd/system/${u.replace("@", "@red")}`);

	assert.strictEqual(c.exec("systemd-analyze", "verify", "--man=no", ...units), "");
	for (const unit of ["sioinit.service", "sioinit@.service"])
		c.exec("systemd-analyze", "security", "--no-pager", "--offline=yes", `--threshold=${score * 10}`, `/etc/systemd/system/${unit}`);
});

test("the instances' unit differs from the single one's in where things are, and in nothing else", () => {
	const lines = (unit) => fs.readFileSync(path.join(root, "systemd", unit), "utf8").split("\n");
	const own = (a, b) => a.filter((line) => !line.startsWith("#") && !b.includes(line)).map((line) => line.replace(/=.*/, ""));
	const where = ["Description", "WorkingDirectory", "EnvironmentFile", "RuntimeDirectory"];

	assert.deepStrictEqual(own(lines("sioinit.service"), lines("sioinit@.service")), where);
	assert.deepStrictEqual(own(lines("sioinit@.service"), lines("sioinit.service")).filter((name) => name !== "Environment"), where);
});

test("Type=notify: active once a worker is ready, as an unprivileged user, with a status", () => {
	systemctl("start", "sioinit.service");
	assert.strictEqual(get(9090, "/readyz").status, 200);
	const s = show("ActiveState", "SubState", "StatusText", "NRestarts");
	assert.deepStrictEqual([s.ActiveState, s.SubState, s.NRestarts], ["active", "running", "0"]);
	assert.match(s.StatusText, /workers ready/);
	const worker = JSON.parse(get(8080, "/").body);
	assert.notStrictEqual(worker.uid, 0);
	assert.match(c.exec("sioinit", "status"), /ready/);
	assert.doesNotMatch(journal(), /SIOINIT_SANDBOX|SIOINIT_UPSTREAM/, "what the unit forbids, the router misses");
	assert.deepStrictEqual(worker.env.filter((name) => /^(LISTEN_|NOTIFY_SOCKET|WATCHDOG_)/.test(name)), []);
});

// A program of tests/container/systemd/ that says what it has seen, line by line, the first of which is awaited.
async function begin(program, ...args) {
	const child = spawn("podman", ["exec", c.id, "timeout", "60", "node", `/srv/${program}`, ...args.map(String)], { stdio: ["ignore", "pipe", "inherit"] });
	const said = readline.createInterface(child.stdout)[Symbol.asyncIterator]();
	assert.strictEqual((await said.next()).value, "begun");
	return async () => (await said.next()).value;
}

const visitors = (...args) => begin("visitors.js", ...args);
async function told(said) {
	c.exec("sh", "-c", "kill -TERM $(pidof timeout)");
	return JSON.parse(await said());
}

test("reload: returns when every worker is a new one; no request fails", async () => {
	const workers = () => c.processes().filter((p) => p.command.startsWith("node worker.js")).map((p) => p.pid);
	const before = workers();
	const said = await visitors(8080);

	systemctl("reload", "sioinit.service");
	const after = workers();
	assert.strictEqual(after.length, before.length);
	assert.deepStrictEqual(after.filter((pid) => before.includes(pid)), []);
	assert.deepStrictEqual(Object.keys((await told(said)).answers), ["200"]);
	const s = show("ActiveState", "SubState", "NRestarts");
	assert.deepStrictEqual([s.ActiveState, s.SubState, s.NRestarts], ["active", "running", "0"]);
});

test("reload whose new worker fails: systemctl says so, the service goes on", () => {
	const before = show("MainPID").MainPID;
	c.exec("sh", "-c", "mv /srv/sioinit/worker.js /srv/sioinit/gone.js");
	assert.notStrictEqual(c.tryExec("systemctl", "reload", "sioinit.service").code, 0);
	c.exec("sh", "-c", "mv /srv/sioinit/gone.js /srv/sioinit/worker.js");
	assert.strictEqual(get(8080, "/").status, 200);
	assert.deepStrictEqual(show("ActiveState", "MainPID"), { ActiveState: "active", MainPID: before });
	assert.match(show("StatusText").StatusText, /2\/2 workers ready.*; the last reload failed/);
});

test("restart: each of those who connect meanwhile is answered, by the old workers or by the new ones", async () => {
	const old = JSON.parse(get(8080, "/").body).pid;
	const before = show("MainPID").MainPID;
	const said = await visitors(8080);
	systemctl("restart", "sioinit.service");
	const { answers, pids } = await told(said);
	assert.notStrictEqual(show("MainPID").MainPID, before);
	assert.deepStrictEqual(Object.keys(answers), ["200"], JSON.stringify(answers));
	assert.ok(pids.includes(old) && pids.length > 2, `${old} ${pids}`);
	assert.strictEqual(show("NFileDescriptorStore").NFileDescriptorStore, "2");
});

test("restart: clients that poll are all there again, and none has seen an error", async () => {
	const said = await begin("pollers.js");
	await until("the status line has them", () => /, 20 sessions/.test(show("StatusText").StatusText));
	systemctl("restart", "sioinit.service");
	assert.strictEqual(await said(), "again []");
});

test("a crash: who connects after it waits for the next one", async () => {
	const before = show("MainPID").MainPID;
	c.exec("sh", "-c", `kill -KILL ${before}`);
	const { answers } = await told(await visitors(8080));
	assert.deepStrictEqual(Object.keys(answers), ["200"], JSON.stringify(answers));
	await until("it is active again", () => show("ActiveState").ActiveState === "active");
	assert.notStrictEqual(show("MainPID").MainPID, before);
});

test("another port: the old one is not listened on any more", () => {
	set("sioinit", "SIOINIT_PORT=8090");
	systemctl("restart", "sioinit.service");
	assert.strictEqual(get(8090, "/").status, 200);
	assert.match(get(8080, "/").body, /ECONNREFUSED/);
	assert.strictEqual(show("NFileDescriptorStore").NFileDescriptorStore, "2");
	set("sioinit", "SIOINIT_PORT=8080\nSIOINIT_LISTEN=127.0.0.1:8090");
	systemctl("restart", "sioinit.service");
	assert.deepStrictEqual([8080, 8090].map((port) => get(port, "/").status), [200, 200]);
	set("sioinit", "SIOINIT_PORT=8080");
	systemctl("restart", "sioinit.service");
	assert.strictEqual(show("NFileDescriptorStore").NFileDescriptorStore, "2");
});

test("stop: a worker that takes longer than TimeoutStopSec= has the time that sioinit gives it", () => {
	c.exec("sh", "-c", "mkdir -p /srv/stubborn && echo 'process.on(\"SIGTERM\", () => { for (;;); }); require(\"http\").createServer().listen(process.env.PORT)' >/srv/stubborn/worker.js");
	set("sioinit-stubborn", "SIOINIT_PORT=8083\nSIOINIT_STOP_TIMEOUT=2");
	c.exec("sh", "-c", "mkdir -p /run/systemd/system/sioinit@stubborn.service.d && printf '[Service]\\nTimeoutStopSec=500ms\\n' >/run/systemd/system/sioinit@stubborn.service.d/t.conf");
	systemctl("daemon-reload");
	systemctl("start", "sioinit@stubborn.service");
	systemctl("stop", "sioinit@stubborn.service");
	const log = c.exec("journalctl", "--no-pager", "-o", "cat", "-u", "sioinit@stubborn.service");
	assert.match(log, /init: done code=137/, log);
});

test("stop: clean, and soon when there is nobody to drain", () => {
	const t0 = Date.now();
	systemctl("stop", "sioinit.service");
	assert.ok(Date.now() - t0 < 10000, `${Date.now() - t0} ms`);
	const s = show("ActiveState", "Result", "ExecMainStatus");
	assert.deepStrictEqual(s, { ActiveState: "inactive", Result: "success", ExecMainStatus: "0" }, journal());
});

// Never refused: who comes waits until a worker is ready.
function getWhenReady(port, url) {
	const r = get(port, url);
	assert.strictEqual(r.status, 200, r.body);
	return r;
}

test("socket activation: the first request starts the service; each socket is found by its name", async () => {
	systemctl("start", ...SOCKETS);
	assert.strictEqual(show("ActiveState").ActiveState, "inactive");
	getWhenReady(8080, "/");
	assert.strictEqual(get(9090, "/readyz").body.trim(), "ok");
	assert.strictEqual(show("ActiveState").ActiveState, "active");
	systemctl("stop", "sioinit.service");
	await until("it is ready", () => get(9090, "/readyz").status === 200);
	assert.strictEqual(get(8080, "/").status, 200);
});

test("restart: the sockets stay, everybody is answered", async () => {
	const said = await visitors(8080);
	systemctl("restart", "sioinit.service");
	const { answers } = await told(said);
	assert.deepStrictEqual(Object.keys(answers), ["200"], JSON.stringify(answers));
});

test("watchdog: an init that hangs is killed and started again; none of its workers survives", async () => {
	c.exec("sh", "-c", `mkdir -p /run/systemd/system/sioinit.service.d && printf '[Service]\\nWatchdogSec=${WATCHDOG_S}s\\nTimeoutAbortSec=2s\\n' >/run/systemd/system/sioinit.service.d/t.conf`);
	systemctl("daemon-reload");
	systemctl("restart", "sioinit.service");
	const before = show("MainPID", "NRestarts");
	const old = JSON.parse(get(8080, "/").body).pid;
	await new Promise((r) => setTimeout(r, (WATCHDOG_S + 1) * 1000));
	assert.strictEqual(show("NRestarts").NRestarts, before.NRestarts, "a healthy one is left alone");

	c.exec("sh", "-c", `kill -STOP ${before.MainPID}`);
	await until("systemd has restarted it", () => Number(show("NRestarts").NRestarts) > Number(before.NRestarts));
	getWhenReady(8080, "/");
	assert.match(journal(), /[Ww]atchdog/);
	assert.strictEqual(c.processes().some((p) => p.pid === old), false);
});

test("instances: each its own app, port and admin socket; one of them by a socket", () => {
	systemctl("stop", "sioinit.service");
	systemctl("start", ...INSTANCES.map((name) => `sioinit@${name}.service`));
	const pids = INSTANCES.map((name, i) => JSON.parse(get(8081 + i, "/").body).pid);
	assert.strictEqual(new Set(pids).size, INSTANCES.length);
	for (const name of INSTANCES) {
		const ask = (...words) => c.exec("env", `SIOINIT_ADMIN_SOCKET=/run/sioinit-${name}/admin.sock`, `SIOINIT_ADMIN=/run/sioinit-${name}/probes.sock`, "sioinit", ...words);
		assert.match(ask("status"), /ready/);
		ask("health");
	}
	systemctl("reload", "sioinit@red.service");
	assert.notStrictEqual(JSON.parse(get(8081, "/").body).pid, pids[0]);
	systemctl("stop", "sioinit@red.service");
	assert.strictEqual(get(8082, "/").status, 200, "the other one is not concerned");
	systemctl("start", "sioinit@red.socket");
	assert.match(c.exec("node", "-e", 'require("http").get({ socketPath: "/run/sioinit-red.sock", agent: false }, (r) => console.log(r.resume().statusCode))'), /^200$/);
});

test("the last stop: nothing is left", () => {
	systemctl("stop", ...SOCKETS, "sioinit.service", "sioinit@red.socket", ...INSTANCES.map((name) => `sioinit@${name}.service`));
	assert.deepStrictEqual(c.processes().filter((p) => /sioinit|node/.test(p.command)), []);
});

// Blocks that say that this test runs them, in order; each line of a text block behind one was printed, ... being anything.
test("docs/systemd.md is true", () => {
	const BLOCK = /<!-- test: none, tests\/container\/systemd.test.js runs it -->\n```sh\n(.*?)```\n(?:\n```text\n(.*?)```\n)?/gs;
	c.exec("sh", "-c", "rm -r /srv/sioinit /etc/default/sioinit*");
	let ran = 0;
	for (const [, commands, printed] of PAGE.matchAll(BLOCK)) {
		const r = c.tryExec("bash", "-ec", commands);
		assert.strictEqual(r.code, 0, `${commands}\n${r.out}${r.err}`);
		for (const line of (printed ?? "").split("\n").filter(Boolean)) {
			const pattern = line.trim().split("...").map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*");
			assert.match(r.out, new RegExp(pattern), commands);
		}
		ran++;
	}
	assert.ok(ran > 0);
});
