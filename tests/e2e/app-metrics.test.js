// The app's own metrics, of all workers, in /metrics: prom-client's AggregatorRegistry without a primary of the app's. What
// comes out is compared with what prom-client itself makes of the same numbers.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const client = require("prom-client");
const { start, get, until, childOf } = require("./harness");
const { fill } = require("./fixtures/metrics");

async function served(env, use, args = ["metrics.js"], cwd = undefined) {
	const s = await start(args, { SIOINIT_WORKERS: "3", SIOINIT_DRAIN_TIME: "0.1", ...env }, cwd);
	try {
		await use(s);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

const plainFolder = () => fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-plain-"));

async function scrape(s) {
	const began = Date.now();
	const { status, headers, body } = await get(s.admin, "/metrics");
	assert.strictEqual(status, 200);
	assert.strictEqual(Number(headers["content-length"]), body.length);
	return { text: String(body), ms: Date.now() - began };
}

// Samples and comments, whatever their order; labels too.
function samples(text, wanted) {
	const inOrder = (labels) => `{${labels.match(/\w+="(?:[^"\\]|\\.)*"/g).sort().join()}}`;
	return text
		.split("\n")
		.filter((l) => l && wanted.test(l.replace(/^# \w+ /, "")))
		.map((l) => (l.startsWith("#") ? l : l.replace(/\{.*\}/, inOrder).replace(/ Nan$/, " NaN")))
		.sort();
}

const workersThat = (text, state) => Number(new RegExp(`^sioinit_app_metrics_workers\\{state="${state}"\\} (\\d+)$`, "m").exec(text)?.[1]);
const valueOf = (text, id) => Number(text.split("\n").find((l) => l.startsWith(`${id} `))?.split(" ")[1]);

// Until all have been heard.
const fullScrape = (s, n) => until(async () => {
	const { text } = await scrape(s);
	return workersThat(text, "answered") === n && text;
}, "metrics of all workers");

async function byPromClient(n) {
	const all = [];
	for (let slot = 0; slot < n; slot++) {
		const register = new client.Registry();
		fill(register, slot);
		all.push(await register.getMetricsAsJSON());
	}
	return client.AggregatorRegistry.aggregate(all).metrics();
}

for (const serialization of ["advanced", "json"])
	test(`three workers' metrics are what prom-client makes of them (${serialization})`, () =>
		served({ SIOINIT_SERIALIZATION: serialization }, async (s) => {
			const text = await fullScrape(s, 3);
			assert.deepStrictEqual(samples(text, /^app_/), samples(await byPromClient(3), /^app_/));
			assert.strictEqual(workersThat(text, "missing"), 0);
			assert.ok(!text.includes("sioinit_clients 77"), "a name of sioinit's is not the app's");
			assert.strictEqual(valueOf(text, "sioinit_app_metrics_left_out"), 3);
		}));

test("default metrics are added up, averaged and left out as prom-client says", () =>
	served({ DEFAULTS: "1" }, async (s) => {
		const text = await fullScrape(s, 3);
		assert.ok(valueOf(text, "process_cpu_seconds_total") > 0);
		assert.ok(valueOf(text, "nodejs_eventloop_lag_p99_seconds") >= 0);
		assert.ok(!/^process_start_time_seconds /m.test(text));
		const rss = text.match(/^sioinit_worker_resident_memory_bytes\{.*$/gm).map((l) => Number(l.split(" ")[1]));
		assert.ok(valueOf(text, "process_resident_memory_bytes") > 1.5 * Math.max(...rss), "the sum of three");
		assert.match(text, new RegExp(`^nodejs_version_info\\{.*version="${process.version}".*\\} 1$`, "m"));
	}));

test("infinity survives where the serialization has it", () =>
	served({ INFINITE: "1", SIOINIT_SERIALIZATION: "advanced" }, async (s) => {
		assert.match(await fullScrape(s, 3), /^app_infinite -Inf$/m);
	}));

test("a worker that does not answer is missing, and nobody waits long for it", () =>
	served({ SIOINIT_WORKERS: "2" }, async (s) => {
		await fullScrape(s, 2);
		const pid = childOf(s.pid, "SIOINIT_SLOT=1");
		process.kill(pid, "SIGSTOP");
		for (let i = 0; i < 2; i++) {
			const { text, ms } = await scrape(s);
			assert.strictEqual(workersThat(text, "answered"), 1);
			assert.strictEqual(workersThat(text, "missing"), 1);
			assert.strictEqual(valueOf(text, "app_sum"), 7, "the other one's");
			assert.ok(ms >= 900 && ms < 3000, `${ms} ms`);
		}
		process.kill(pid, "SIGCONT");
		assert.strictEqual(valueOf(await fullScrape(s, 2), "app_sum"), 10);
	}));

test("a worker that ends while it is waited for ends the waiting", () =>
	served({ SIOINIT_WORKERS: "2" }, async (s) => {
		await fullScrape(s, 2);
		const pid = childOf(s.pid, "SIOINIT_SLOT=1");
		process.kill(pid, "SIGSTOP");
		const asked = scrape(s);
		await until(async () => /stopped by SIGSTOP/.test(s.log), "the stop");
		process.kill(pid, "SIGKILL");
		const { text, ms } = await asked;
		assert.ok(ms < 900, `${ms} ms`);
		assert.strictEqual(workersThat(text, "missing"), 1);
		assert.strictEqual(valueOf(await fullScrape(s, 2), "app_sum"), 10, "with its successor");
	}));

test("megabytes arrive whole, and several ask at once", () =>
	served({ SIOINIT_WORKERS: "2", SERIES: "10000" }, async (s) => {
		const text = await fullScrape(s, 2);
		assert.ok(text.length > 1 << 20);
		assert.strictEqual(text.match(/^app_many_total\{.*\} 2$/gm).length, 10000);
		for (const { text: same } of await Promise.all([scrape(s), scrape(s), scrape(s), scrape(s)]))
			assert.strictEqual(same.match(/^app_many_total\{.*\} 2$/gm).length, 10000);
	}));

test("a worker with more than 4 MiB of metrics is missing, and the log says so", () =>
	served({ SIOINIT_WORKERS: "1", SERIES: "40000" }, async (s) => {
		await until(async () => {
			const { text } = await scrape(s);
			return workersThat(text, "missing") === 1 && /worker\[0\]: its metrics, \d+ bytes, are left out/.test(s.log);
		}, "the line in the log");
		assert.strictEqual((await get(s.port, "/")).status, 200);
	}));

test("a reload in between loses nobody", () =>
	served({ SIOINIT_WORKERS: "2" }, async (s) => {
		await fullScrape(s, 2);
		process.kill(s.pid, "SIGHUP");
		await until(async () => {
			assert.ok(workersThat((await scrape(s)).text, "answered") >= 1);
			return /init: reload done/.test(s.log);
		}, "the reload");
		assert.strictEqual(valueOf(await fullScrape(s, 2), "app_sum"), 10);
	}));

test("without AggregatorRegistry in the workers nobody waits for them", () =>
	served({ REGISTRY: "no" }, async (s) => {
		for (let i = 0; i < 5; i++) {
			const { text, ms } = await scrape(s);
			assert.ok(!/app_/.test(text));
			assert.ok(ms < 900, `${ms} ms`);
		}
	}));

const listener = `
process.on("message", (m) => console.log("heard", JSON.stringify(m)));
require("http").createServer((req, res) => res.end("x")).listen(process.env.PORT);`;

for (const [setting, hears] of [["auto", false], ["off", false], ["on", true]])
	test(`an app without prom-client, SIOINIT_APP_METRICS=${setting}: it is ${hears ? "" : "not "}asked`, async () => {
		const folder = plainFolder();
		fs.writeFileSync(path.join(folder, "app.js"), listener);
		try {
			await served({ SIOINIT_APP_METRICS: setting, SIOINIT_WORKERS: "1" }, async (s) => {
				const { text, ms } = await scrape(s);
				assert.ok(hears ? ms >= 900 : ms < 900, `${ms} ms`);
				assert.strictEqual(/sioinit_app_metrics/.test(text), hears);
				if (hears) await until(async () => s.out.includes("heard"), "the question");
				await s.stop();
				assert.strictEqual(s.out.includes("prom-client:getMetricsReq"), hears);
			}, ["app.js"], folder);
		} finally {
			fs.rmSync(folder, { recursive: true });
		}
	});

test("SIOINIT_APP_METRICS=off: the app's are not there", () =>
	served({ SIOINIT_APP_METRICS: "off" }, async (s) => assert.ok(!/app_/.test((await scrape(s)).text))));

test("SIOINIT_APP_METRICS=on: an app that has prom-client bundled is asked, too", async () => {
	const folder = plainFolder();
	const prom = JSON.stringify(require.resolve("prom-client"));
	fs.writeFileSync(path.join(folder, "app.js"), `
const client = require(${prom});
new client.AggregatorRegistry();
new client.Counter({ name: "bundled_total", help: "b" }).inc(2);
require("http").createServer((req, res) => res.end("x")).listen(process.env.PORT);`);
	try {
		await served({ SIOINIT_APP_METRICS: "on", SIOINIT_WORKERS: "2" }, async (s) => {
			assert.strictEqual(valueOf((await scrape(s)).text, "bundled_total"), 4, "the first time");
		}, ["app.js"], folder);
	} finally {
		fs.rmSync(folder, { recursive: true });
	}
});
