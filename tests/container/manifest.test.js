// k8s/: all that kustomize and helm make of it, against the schemas of Kubernetes and of what else it is for, and against rules
// between the documents; the chart is the base; the metrics that are asked for are those of a sioinit that runs. The dashboard against
// the types of Grafana.
const assert = require("assert");
const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const test = require("node:test");
const { once } = require("events");
const { execFile, spawn, spawnSync } = require("child_process");
const { promisify } = require("util");
const { until } = require("./podman.js");

const root = path.join(__dirname, "../..");
const work = path.join(process.env.BUILD_DIR ?? path.join(root, "build/release"), "manifests");
const chart = path.join(root, "k8s/helm/sioinit");
const tools = spawnSync(path.join(root, "script/kubernetes-tools"), { encoding: "utf8" });
if (tools.status !== 0 || !fs.existsSync(path.join(__dirname, "manifests/node_modules"))) {
	console.log(`skipped: ${tools.stderr.trim().split("\n").at(-1) || "no npm packages of tests/container/manifests"}`);
	process.exit(77);
}
const YAML = require("./manifests/node_modules/yaml");
const { broken } = require("./manifests/rules.js");
const { problems } = require("./manifests/schemas.js");
const grafana = require("./manifests/grafana.js");

const run = promisify(execFile);
const tool = (name, ...args) => run(path.join(tools.stdout.trim(), name), args, { maxBuffer: 1 << 26 }).then((r) => r.stdout);
const list = (folder) => fs.readdirSync(path.join(root, folder)).map((name) => `${folder}/${name}`);
const parse = (file, text) => YAML.parseAllDocuments(text).map((d) => ({ file, o: d.toJS() })).filter((e) => e.o);
const kustomize = (folder) => tool("kubectl", "kustomize", path.join(root, folder)).then((text) => parse(folder, text));
const template = (name, ...args) => tool("helm", "template", "chat", chart, ...args).then((text) => parse(name, text));

// an overlay with components that it has as comments only
function withComponents(name, ...components) {
	const folder = path.join(work, name);
	const to = (target) => path.relative(folder, path.join(root, "k8s", target));
	fs.mkdirSync(folder, { recursive: true });
	fs.writeFileSync(path.join(folder, "kustomization.yaml"), JSON.stringify({ namespace: "chat", resources: [to("overlays/several-pods-redis")], components: components.map((c) => to(`components/${c}`)) }));
	return kustomize(path.relative(root, folder));
}

const rendered = Promise.all([
	kustomize("k8s/base"),
	...list("k8s/overlays").map(kustomize),
	withComponents("websockets", "prometheus", "autoscaling-websockets"),
	withComponents("keda", "prometheus", "keda"),
	withComponents("token", "admin-token"),
	template("chart"),
	...list("k8s/helm/sioinit/ci").map((file) => template(file, "-f", path.join(root, file))),
]);
const schemas = (entries) => problems(entries, path.join(__dirname, "manifests/node_modules/.cache/checked"));
const of = (entries, kind, name) => entries.find((e) => e.o.kind === kind && (!name || e.o.metadata.name === name))?.o;

test("everything is as the API servers know it", async () => {
	const all = (await rendered).flat();
	assert.ok(all.length > 80, `${all.length} documents`);
	assert.deepStrictEqual(schemas(all), []);
});

test("what does not exist, has another type or value, is found", async () => {
	const [base] = await rendered;
	const wrong = (change) => {
		const o = structuredClone(of(base, "Deployment"));
		change(o, o.spec.template.spec.containers[0]);
		return { file: "wrong", o };
	};
	const found = schemas([
		wrong((o, c) => (c.livenessProbe.periodSecond = 1)),
		wrong((o) => (o.spec.minReadySeconds = "5")),
		wrong((o) => (o.apiVersion = "apps/v9")),
		{ file: "wrong", o: { apiVersion: "traefik.io/v1alpha1", kind: "IngressRoute", metadata: { name: "x" }, spec: { routes: [{ kind: "Rule", match: "", services: [{ name: "chat", sticki: {} }] }] } } },
		{ file: "wrong", o: { apiVersion: "gateway.envoyproxy.io/v1alpha1", kind: "BackendTrafficPolicy", metadata: { name: "x" }, spec: { targetRefs: [], loadBalancer: { type: "Cookie" } } } },
	]).join("\n");
	for (const text of [/periodSecond/, /minReadySeconds/, /there is no apps\/v9 Deployment/, /sticki/, /"Cookie"/]) assert.match(found, text);
});

test("what is applied together fits together, and is restricted", async () => {
	assert.deepStrictEqual((await rendered).flatMap(broken), []);
});

test("what does not fit is found", async () => {
	const entries = structuredClone((await rendered)[0]);
	const { spec } = of(entries, "Deployment").spec.template;
	spec.containers[0].image = "chat:latest";
	spec.containers[0].ports.pop();
	spec.terminationGracePeriodSeconds = 25;
	spec.securityContext.runAsNonRoot = false;
	of(entries, "NetworkPolicy").spec.podSelector.matchLabels = { app: "chat" };
	const found = broken(entries).join("\n");
	for (const text of [/chat:latest/, /livenessProbe asks/, /no pod has the port admin/, /killed before/, /runAsNonRoot/, /NetworkPolicy\/chat: for no pod/]) assert.match(found, text);
});

// Without what each of the two adds by itself: labels, the hash in the name of the settings and the one in the annotation.
function bare(entries) {
	const text = JSON.stringify(entries.map((e) => e.o).sort((a, b) => `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`)), (key, value) => {
		if (key === "labels" || key === "annotations") return undefined;
		if (key === "selector" || key === "podSelector" || key === "labelSelector") return undefined;
		return typeof value === "string" ? value.replace(/^chat-settings-\w+$/, "chat-settings") : value;
	});
	return JSON.parse(text);
}

test("the chart with its defaults is the base, but for labels", async () => {
	const all = await rendered;
	assert.deepStrictEqual(bare(all.find((r) => r[0].file === "chart")), bare(all[0]));
});

test("the chart refuses what it does not know, and `latest`", async () => {
	const refused = (set) => assert.rejects(tool("helm", "template", "chat", chart, "--set", set), /values don't meet the specifications/);
	await Promise.all(["replica=2", "image.tag=latest", "service.sessionAffinity=Cookie", "settings.SIOINIT_STOP_TIMEOUT=20s"].map(refused));
});

test("several pods without an adapter: the notes warn; with one they do not", async () => {
	const notes = (...set) => tool("helm", "install", "chat", chart, "--dry-run=client", ...set.flatMap((s) => ["--set", s]));
	const [one, two, redis] = await Promise.all([notes(), notes("replicas=2"), notes("replicas=2", "redis.url=redis://redis:6379")]);
	assert.doesNotMatch(one, /several pods/);
	assert.match(two, /WARNING: without an adapter between pods they are as many chats/);
	assert.match(redis, /They are one chat if the app's adapter uses REDIS_URL/);
	assert.doesNotMatch(redis, /WARNING/);
});

test("the package of the chart has the version of CMakeLists.txt, renders the same, and is made of the same bytes each time", async () => {
	const [, version] = /project\(sioinit VERSION ([\d.]+)/.exec(fs.readFileSync(path.join(root, "CMakeLists.txt"), "utf8"));
	const made = await Promise.all(["a", "b"].map((out) => run(path.join(root, "packaging/helm/build"), [path.join(work, out)]).then(() => path.join(work, out, `sioinit-${version}.tgz`))));
	assert.deepStrictEqual(fs.readFileSync(made[0]), fs.readFileSync(made[1]));
	assert.match(await tool("helm", "show", "chart", made[0]), new RegExp(`^version: ${version}$`, "m"));
	assert.match(await tool("helm", "lint", "--strict", made[0]), /0 chart\(s\) failed/);
	const text = await tool("helm", "template", "chat", made[0]);
	assert.deepStrictEqual(bare(parse("package", text)), bare(await template("chart")));
});

test("sioinit takes all settings, as in a pod", async () => {
	const all = [...new Set((await rendered).flat().filter((e) => e.o.kind === "ConfigMap").map((e) => JSON.stringify(e.o.data)))];
	assert.ok(all.length >= 3, all.join("\n"));
	const check = (settings) => run(process.env.BIN_UNDER_TEST, ["check", "sleep", "1"], { env: { PATH: process.env.PATH, KUBERNETES_SERVICE_HOST: "10.0.0.1", ...settings } });
	for (const { stdout } of await Promise.all(all.map((text) => check(JSON.parse(text))))) assert.match(stdout, /^SIOINIT_ADMIN=0\.0\.0\.0:9090 \(SIOINIT_ADMIN\)$/m);
});

const get = (socketPath, url) =>
	new Promise((resolve, reject) => {
		http.get({ socketPath, path: url, agent: false }, (res) => {
			let body = "";
			res.setEncoding("utf8").on("data", (d) => (body += d)).on("end", () => resolve(body));
		}).on("error", reject);
	});

// The names of all series of a sioinit that has one worker.
async function series() {
	const admin = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-")), "admin");
	const p = spawn(process.env.BIN_UNDER_TEST, ["--workers", "1", "--admin", admin, "--listen", `${admin}-http`, "--", "sleep", "60"], { stdio: "ignore" });
	const ended = once(p, "exit");
	try {
		const metrics = await until("/metrics answers", () => get(admin, "/metrics"));
		return [...metrics.matchAll(/^# TYPE (\w+)/gm)].map((m) => m[1]);
	} finally {
		p.kill("SIGTERM");
		await ended;
		fs.rmSync(path.dirname(admin), { recursive: true });
	}
}

test("the metrics that autoscalers ask for are there", async () => {
	const there = await series();
	const adapter = YAML.parse(fs.readFileSync(path.join(root, "k8s/components/autoscaling-websockets/prometheus-adapter.values.yaml"), "utf8")).rules.custom[0];
	const all = await rendered;
	const scaled = all.map((r) => of(r, "ScaledObject")).find(Boolean);
	const asked = [adapter.seriesQuery, scaled.spec.triggers[0].metadata.query].map((q) => /sioinit_\w+/.exec(q)[0]);
	for (const name of asked) assert.ok(there.includes(name), `${name} is none of ${there}`);
	const pods = all.flatMap((r) => of(r, "HorizontalPodAutoscaler")?.spec.metrics ?? []).filter((m) => m.type === "Pods");
	assert.strictEqual(pods.length, 2); // the component and the chart
	for (const m of pods) assert.strictEqual(m.pods.metric.name, adapter.name.as);
});

test("the dashboard is as Grafana's types know it, and what is not is found", () => {
	const board = JSON.parse(fs.readFileSync(path.join(root, "monitoring/grafana-dashboard.json"), "utf8"));
	const folder = path.join(__dirname, "manifests/node_modules/.cache/checked");
	assert.deepStrictEqual(grafana.wrong(board, folder), []);
	const [stat, lines] = ["stat", "timeseries"].map((type) => board.panels.find((p) => p.type === type));
	stat.options.colorMode = "foreground";
	lines.fieldConfig.defaults.custom.drawstyle = "line";
	lines.gridPos.width = 8;
	const found = grafana.wrong(board, folder).join("\n");
	for (const text of [/"foreground"/, /drawstyle/, /width/]) assert.match(found, text);
});
