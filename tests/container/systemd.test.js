// systemd/*.service and *.socket with a real systemd (PID 1 of a container): notification, socket activation by name, stop,
// watchdog, sandbox. Needs a binary that was built on the distribution of the image.
const assert = require("assert");
const { spawn } = require("child_process");
const path = require("path");
const readline = require("readline");
const test = require("node:test");
const { build, image, must, needPodman, root, start, until } = require("./podman.js");

const UNITS = ["sioinit.service", "sioinit.socket", "sioinit-admin.socket"];
const SOCKETS = UNITS.slice(1);
const WATCHDOG_S = 3;
const SYSTEMD = image("sioinit-systemd");

needPodman("docker.io/library/node:22-bookworm-slim");
build(SYSTEMD, "tests/container/systemd/Dockerfile", "tests/container/systemd");
const c = start(["--systemd=always", "--cap-add", "SYS_ADMIN"], SYSTEMD);

const systemctl = (...args) => c.exec("systemctl", ...args);
const show = (...properties) =>
	Object.fromEntries(
		systemctl("show", "sioinit.service", "-p", properties.join(",")).split("\n").map((l) => [l.slice(0, l.indexOf("=")), l.slice(l.indexOf("=") + 1)]),
	);
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
	systemctl("daemon-reload");
});

test("the units pass systemd-analyze verify, and are well confined", () => {
	assert.strictEqual(c.exec("systemd-analyze", "verify", "--man=no", ...UNITS.map((u) => `/etc/systemd/system/${u}`)), "");
	c.exec("systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=30", "/etc/systemd/system/sioinit.service");
});

test("Type=notify: active once a worker is ready, as an unprivileged user, with a status", () => {
	systemctl("start", "sioinit.service");
	assert.strictEqual(get(9090, "/readyz").status, 200);
	const s = show("ActiveState", "SubState", "StatusText", "NRestarts");
	assert.deepStrictEqual([s.ActiveState, s.SubState, s.NRestarts], ["active", "running", "0"]);
	assert.match(s.StatusText, /workers ready/);
	const worker = JSON.parse(get(8080, "/").body);
	assert.notStrictEqual(worker.uid, 0);
	assert.deepStrictEqual(worker.env.filter((name) => /^(LISTEN_|NOTIFY_SOCKET|WATCHDOG_)/.test(name)), []);
});

// Asks without pause; says so once it has had an answer, and at its end what failed.
const PINGER = `
const failed = [];
process.on("SIGTERM", () => {
	console.log(JSON.stringify(failed));
	process.exit();
});
(async () => {
	for (let n = 0; ; n++) {
		const status = await fetch("http://127.0.0.1:8080/").then((r) => r.status, (err) => err.message);
		if (status !== 200) failed.push(status);
		if (n === 0) console.log("begun");
	}
})();`;

test("reload: returns when every worker is a new one; no request fails", async () => {
	const workers = () => c.processes().filter((p) => p.command.startsWith("node worker.js")).map((p) => p.pid);
	const before = workers();
	const pinger = spawn("podman", ["exec", c.id, "timeout", "-s", "TERM", "60", "node", "-e", PINGER], { stdio: ["ignore", "pipe", "inherit"] });
	const said = readline.createInterface(pinger.stdout)[Symbol.asyncIterator]();

	assert.strictEqual((await said.next()).value, "begun");
	systemctl("reload", "sioinit.service");
	const after = workers();
	assert.strictEqual(after.length, before.length);
	assert.deepStrictEqual(after.filter((pid) => before.includes(pid)), []);
	c.exec("sh", "-c", "kill -TERM $(pidof timeout)");
	assert.deepStrictEqual(JSON.parse((await said.next()).value), []);
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
});

test("stop: clean, and soon when there is nobody to drain", () => {
	const t0 = Date.now();
	systemctl("stop", "sioinit.service");
	assert.ok(Date.now() - t0 < 10000, `${Date.now() - t0} ms`);
	const s = show("ActiveState", "Result", "ExecMainStatus");
	assert.deepStrictEqual(s, { ActiveState: "inactive", Result: "success", ExecMainStatus: "0" }, journal());
});

// Never refused: until a worker is ready, the answer is 503.
async function getPatiently(port, url) {
	return until(`200 for ${url}`, () => {
		const r = get(port, url);
		assert.ok([200, 503].includes(r.status), `${r.status}: ${r.body}`);
		return r.status === 200 && r;
	});
}

test("socket activation: the first request starts the service; each socket is found by its name", async () => {
	systemctl("start", ...SOCKETS);
	assert.strictEqual(show("ActiveState").ActiveState, "inactive");
	await getPatiently(8080, "/");
	assert.strictEqual(get(9090, "/readyz").body.trim(), "ok");
	assert.strictEqual(show("ActiveState").ActiveState, "active");
	systemctl("stop", "sioinit.service");
	await getPatiently(9090, "/readyz");
	assert.strictEqual(get(8080, "/").status, 200);
});

test("restart: the sockets stay, no request is refused", async () => {
	const before = show("MainPID").MainPID;
	systemctl("--no-block", "restart", "sioinit.service");
	await until("the restart is over", () => {
		const r = get(8080, "/");
		assert.ok([200, 503].includes(r.status), `${r.status}: ${r.body}`);
		const s = show("ActiveState", "MainPID");
		return s.ActiveState === "active" && s.MainPID !== before;
	});
	await getPatiently(8080, "/");
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
	await getPatiently(8080, "/");
	assert.match(journal(), /[Ww]atchdog/);
	assert.strictEqual(c.processes().some((p) => p.pid === old), false);
});

test("the last stop: nothing is left", () => {
	systemctl("stop", ...SOCKETS, "sioinit.service");
	assert.deepStrictEqual(c.processes().filter((p) => /sioinit|node/.test(p.command)), []);
});
