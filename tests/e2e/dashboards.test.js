// monitoring/: the Grafana dashboard and the alerts, against a real Prometheus that watches a real sioinit. Whatever they ask for is
// there, in both of the formats of /metrics; each alert fires when it should; what is made of both is current.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const http = require("http");
const path = require("path");
const { spawnSync } = require("child_process");
const { get, until } = require("./harness");
const { withCluster } = require("./cluster");
const { Prometheus, promtool, missing, filled, dashboard, metricsIn, root } = require("./prometheus");

const skip = missing;
const ALERTS = path.join(root, "monitoring/alerts.yaml");
const read = (name) => fs.readFileSync(path.join(root, name), "utf8");
const board = dashboard();
const rows = board.panels.filter((p) => p.type === "row");
const panels = board.panels.filter((p) => p.type !== "row");
const titled = (p) => `${p.id} ${p.title}`;

test("the dashboard: ids, titles and places are each there once, and everything is explained", () => {
	const twice = (list) => list.filter((x, i) => list.indexOf(x) !== i);
	assert.ok(panels.length > 30 && rows.length > 5);
	assert.deepStrictEqual(twice(board.panels.map((p) => p.id)), []);
	assert.deepStrictEqual(twice(panels.map((p) => p.title)), []);
	const taken = new Map();
	for (const p of board.panels) {
		const { x, y, w, h } = p.gridPos;
		assert.ok(x >= 0 && w > 0 && h > 0 && x + w <= 24, titled(p));
		for (let i = x; i < x + w; i++)
			for (let j = y; j < y + h; j++) {
				assert.ok(!taken.has(`${i},${j}`), `${titled(p)} lies on ${taken.get(`${i},${j}`)}`);
				taken.set(`${i},${j}`, titled(p));
			}
	}
	for (const p of panels) {
		assert.match(p.description, /^[A-Z0-9].{20,}\.$/, titled(p));
		assert.ok(p.fieldConfig.defaults.unit && p.fieldConfig.defaults.noValue, titled(p));
		assert.deepStrictEqual(twice(p.targets.map((t) => t.refId)), [], titled(p));
	}
});

test("the dashboard: what it asks is asked of the data source, job and instance that are chosen", () => {
	const places = [...panels, ...panels.flatMap((p) => p.targets), ...board.templating.list.filter((v) => v.type === "query"), ...board.annotations.list.filter((a) => !a.builtIn)];
	for (const { datasource } of places) assert.deepStrictEqual(datasource, { type: "prometheus", uid: "${datasource}" });
	const variables = board.templating.list.map((v) => v.name);
	assert.deepStrictEqual(variables, ["datasource", "job", "instance", "worker"]);
	for (const { expr } of panels.flatMap((p) => p.targets)) {
		const selectors = expr.match(/\b\w+\{[^}]*\}/g);
		assert.strictEqual(selectors.length, metricsIn(expr).length && expr.match(/\b(sioinit|process)_\w+/g).length, expr);
		for (const s of selectors) assert.match(s, /\{job=~"\$job",instance=~"\$instance"/, expr);
		for (const [, name] of expr.matchAll(/\$(\w+)/g)) assert.ok(variables.includes(name) || ["__rate_interval", "__range"].includes(name), `$${name} in ${expr}`);
	}
});

test("what script/docs makes of monitoring/ and script/dashboard.js is current", () => {
	const { status, stdout, stderr } = spawnSync("./script/monitoring", ["--check"], { cwd: root, encoding: "utf8" });
	assert.strictEqual(status, 0, stdout + stderr);
});

test("Prometheus takes the rules; each alert fires when it should, and else not", { skip }, () => {
	for (const args of [["check", "rules", ALERTS], ["test", "rules", "tests/e2e/alerts.test.yaml"]]) {
		const { status, stdout, stderr } = promtool(args);
		assert.strictEqual(status, 0, stdout + stderr);
	}
	const tests = read("tests/e2e/alerts.test.yaml");
	for (const [, alert] of read("monitoring/alerts.yaml").matchAll(/- alert: (\w+)/g))
		for (const what of ["fires", "does not fire"]) assert.match(tests, new RegExp(`- name: ${alert} ${what}`));
});

// /metrics for one who does not ask for OpenMetrics, as Prometheus does
function plain(port) {
	const server = http.createServer((req, res) => get(port, req.url, { headers: { accept: "text/plain" } }).then((r) => res.writeHead(r.status, { "content-type": r.headers["content-type"] }).end(r.body)));
	return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

// With those that may be absent, if the list of all metrics has them, and the one that only an app with metrics of its own adds.
const listed = (name) => read("docs/metrics.md").includes(`| \`${name}\` |`);
const names = (text) => new Set([...text.matchAll(/^# TYPE (\w+) (\w+)/gm)].flatMap(([, name, type]) => (type === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => name + end) : [name])));

// Of all that the dashboard shows: requests, WebSockets, polls, broadcasts, a session that nobody has, three crashes, a reload.
async function live(s) {
	const clients = [await s.connect(), await s.connect({ transports: ["polling"] }), await s.connect({ transports: ["polling", "websocket"] })];
	await clients[0].ask("burst", 20, 1000);
	for (let i = 0; i < 10; i++) await get(s.sioinit.port, "/socket.io/socket.io.js");
	await get(s.sioinit.port, "/socket.io/?EIO=4&transport=polling&sid=of-another-server");
	for (let i = 0; i < 3; i++) {
		const c = await s.connect();
		c.emit("exit", 3);
		await s.replaced(c.where.slot, c.where.pid);
	}
	const before = (await s.workers()).map((w) => w.pid);
	process.kill(s.pid, "SIGHUP");
	await until(async () => (await s.workers()).every((w) => w.state === "ready" && !before.includes(w.pid)), "all workers are replaced");
}

// left out where there is no cgroup, or no limit
const MAY_BE_ABSENT = ["sioinit_memory_usage_bytes", "sioinit_memory_limit_bytes"];
// and what nothing happens to here
const MAY_BE_EMPTY = new RegExp([...MAY_BE_ABSENT, "memory_near_misses", "relay_evictions", "relay_passed_over", "reload_failures", "router_starts"].join("|"));

// The queries that give nothing, with what they are for.
async function empty(prometheus, queries) {
	const results = await Promise.all(queries.map(async ([what, expr]) => [what, expr, await prometheus.query(filled(expr, { range: 60, interval: 1, scrape: 10 }))]));
	return results.filter(([, , series]) => !series.some((r) => r.value[1] !== "NaN")).map(([what, expr]) => `${what}: ${expr}`);
}

async function assertSame(prometheus) {
	const of = (job) => prometheus.query(`group by (__name__) ({job="${job}",__name__=~"sioinit_.*|process_.*"})`).then((list) => list.map((r) => r.metric.__name__).sort());
	const [openmetrics, text] = await Promise.all([of("openmetrics"), of("text")]);
	assert.deepStrictEqual(openmetrics, text);
	const { activeTargets } = await prometheus.api("targets");
	assert.deepStrictEqual(activeTargets.map((t) => [t.health, t.lastError]), [["up", ""], ["up", ""]]);
}

async function assertRules(prometheus, there) {
	const rules = (await prometheus.api("rules")).groups.flatMap((g) => g.rules);
	assert.deepStrictEqual(rules.flatMap((r) => metricsIn(r.query)).filter((name) => name !== "up" && !there.has(name)), []);
	for (const r of rules) {
		assert.deepStrictEqual([r.health, r.lastError ?? ""], ["ok", ""], r.name);
		assert.match(r.labels.severity, /^(critical|warning)$/, r.name);
		assert.ok(r.annotations.summary && r.annotations.description, r.name);
		const [, page, anchor] = /^(docs\/\w+\.md)#([\w-]+)$/.exec(r.annotations.runbook);
		const anchors = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replace(/ /g, "-"));
		assert.ok(anchors.includes(anchor), `${r.name}: no ${r.annotations.runbook}`);
		assert.ok(read("docs/monitoring.md").includes(`\`${r.name}\``), `docs/monitoring.md lacks ${r.name}`);
	}
}

async function assertFires(prometheus, name, description) {
	const of = async () => (await prometheus.api("alerts")).alerts.filter((a) => a.labels.alertname === name && a.state === "firing");
	const [alert] = await until(async () => (await of()).length && of(), `${name} fires`);
	assert.match(alert.annotations.description, description);
	assert.match(alert.annotations.summary, /^Workers of 127\.0\.0\.1:\d+ /);
}

test("Prometheus evaluates every query of the dashboard and the alerts, and there is what they ask for", { skip, timeout: 90000 }, async () => {
	await withCluster(2, { SIOINIT_APP_METRICS: "off" }, async (s) => {
		const proxy = await plain(s.sioinit.admin);
		const prometheus = await Prometheus.start({ openmetrics: s.sioinit.admin, text: proxy.address().port }, { rules: ALERTS });
		try {
			await until(async () => (await prometheus.query("sum(up)"))[0]?.value[1] === "2", "both are scraped");
			await live(s);
			await s.connect();
			const { body } = await get(s.sioinit.admin, "/metrics");
			const there = new Set([...names(String(body)), ...MAY_BE_ABSENT.filter(listed), "sioinit_app_metrics_workers"]);
			const targets = panels.flatMap((p) => p.targets.map((t) => [p.title, t.expr]));
			const queries = [...targets, ...board.annotations.list.filter((a) => a.expr).map((a) => [a.name, a.expr])];
			assert.deepStrictEqual(queries.flatMap(([what, expr]) => metricsIn(expr).filter((name) => !there.has(name)).map((name) => `${what}: ${name}`)), []);
			await until(async () => !(await empty(prometheus, queries.filter(([, expr]) => !MAY_BE_EMPTY.test(expr)))).length, "every panel has data").catch(async (err) => {
				throw new Error(`${err.message}\nempty: ${(await empty(prometheus, queries)).join("\n")}`);
			});
			await assertSame(prometheus);
			await until(async () => (await prometheus.api("rules")).groups[0].rules.every((r) => r.health !== "unknown"), "the rules are evaluated");
			await assertRules(prometheus, there);
			await assertFires(prometheus, "SioinitWorkerFlapping", /^[34] workers have ended by themselves/);
			const checked = promtool(["check", "metrics"], String(body));
			assert.strictEqual(checked.status, 0, checked.stdout + checked.stderr);
			assert.doesNotMatch(prometheus.log, /level=(warn|error)/);
		} finally {
			await prometheus.stop();
			proxy.close();
		}
	});
});
