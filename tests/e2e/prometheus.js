// A real Prometheus with a real sioinit as its target, and the dashboard's queries as Grafana would ask them.
const fs = require("fs");
const os = require("os");
const path = require("path");
const { once } = require("events");
const { spawn, spawnSync } = require("child_process");
const { get, until, freePort } = require("./harness");

const root = path.join(__dirname, "../..");
const tools = spawnSync(path.join(root, "script/prometheus-tools"), { encoding: "utf8" });
const missing = tools.status !== 0 && (tools.stderr.trim().split("\n").at(-1) || "no prometheus and promtool");
const program = (name) => path.join(tools.stdout.trim(), name);
const promtool = (args, input) => spawnSync(program("promtool"), args, { cwd: root, encoding: "utf8", input });

class Prometheus {
	// @jobs: { job: port of an admin address }. It asks every @interval seconds and evaluates the rules in @rules, if any, as often. What it
	// has heard is kept in @dir, else in a folder of its own.
	static async start(jobs, { interval = 1, rules, dir } = {}) {
		const self = new Prometheus();
		self.kept = Boolean(dir);
		self.dir = dir ?? fs.mkdtempSync(path.join(os.tmpdir(), "prometheus-"));
		self.port = await freePort();
		const config = {
			global: { scrape_interval: `${interval}s`, scrape_timeout: `${interval}s`, evaluation_interval: `${interval}s` },
			rule_files: rules ? [rules] : [],
			scrape_configs: Object.entries(jobs).map(([job, port]) => ({ job_name: job, static_configs: [{ targets: [`127.0.0.1:${port}`] }] })),
		};
		const file = path.join(self.dir, "prometheus.yml");
		fs.writeFileSync(file, JSON.stringify(config)); // which is YAML, too
		const args = [`--config.file=${file}`, `--storage.tsdb.path=${self.dir}/data`, `--web.listen-address=127.0.0.1:${self.port}`, "--log.level=warn"];
		self.process = spawn(program("prometheus"), args, { stdio: ["ignore", "ignore", "pipe"] });
		self.ended = once(self.process, "exit");
		self.log = "";
		self.process.stderr.setEncoding("utf8").on("data", (text) => (self.log += text));
		self.onExit = () => self.process.kill("SIGKILL");
		process.once("exit", self.onExit);
		await until(() => get(self.port, "/-/ready").then((r) => r.status === 200), "Prometheus is ready");
		return self;
	}

	// What the API answers. An error is thrown.
	async api(what, parameters = {}) {
		const { body } = await get(this.port, `/api/v1/${what}?${new URLSearchParams(parameters)}`);
		const { status, data, error } = JSON.parse(body);
		if (status !== "success") throw new Error(`${error}: ${parameters.query ?? what}`);
		return data;
	}

	// The series of an instant.
	query(query, time) {
		return this.api("query", { query, ...(time && { time }) }).then((data) => data.result);
	}

	// The series from @start to @end, in s since 1970, every @step seconds.
	range(query, start, end, step) {
		return this.api("query_range", { query, start, end, step }).then((data) => data.result);
	}

	async stop() {
		process.removeListener("exit", this.onExit);
		this.process.kill("SIGTERM");
		await this.ended;
		if (!this.kept) fs.rmSync(this.dir, { recursive: true });
	}
}

// As Grafana puts its variables into a query: @chosen is { job: "text" }, all where nothing is chosen.
function filled(expr, { range, interval, scrape, chosen = {} }) {
	const rateInterval = Math.max(interval + scrape, 4 * scrape);
	const known = { __rate_interval: `${rateInterval}s`, __interval: `${interval}s`, __range: `${range}s`, job: ".*", instance: ".*", worker: ".*", ...chosen };
	return expr.replace(/\$(\w+)/g, (whole, name) => known[name] ?? whole);
}

const dashboard = () => JSON.parse(fs.readFileSync(path.join(root, "monitoring/grafana-dashboard.json"), "utf8"));

// Names of metrics in a query: all words but functions, labels and what is said of them, durations and texts.
function metricsIn(query) {
	const bare = query
		.replace(/"(?:[^"\\]|\\.)*"/g, "")
		.replace(/\{[^}]*\}|\[[^\]]*\]/g, " ")
		.replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
	return [...new Set([...bare.matchAll(/\b([a-z_][a-z0-9_:]*)\b(?!\s*\()/gi)].map((m) => m[1]).filter((word) => !/^(and|or|unless|bool|offset|inf|nan|e\d*)$/i.test(word)))];
}

module.exports = { Prometheus, promtool, missing, filled, dashboard, metricsIn, root };
