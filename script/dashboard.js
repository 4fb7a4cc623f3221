// The Grafana dashboard, as monitoring/grafana-dashboard.json has it: node script/dashboard.js. script/docs writes it there.
// Rows are lists of panels, which are put side by side from the left to the right; a panel says what it asks and how it looks.
const where = 'job=~"$job",instance=~"$instance"';
const all = (name, labels = "") => `${name}{${where}${labels && `,${labels}`}}`; // of all workers
const worker = (name) => all(name, 'worker=~"$worker"');
const rate = (series) => `rate(${series}[$__rate_interval])`;
const increase = (series) => `increase(${series}[$__rate_interval])`;
// how often, where something happened at all
const events = (by, series) => `${by}(round(${increase(series)})) > 0`;
// init's own numbers have the names that prom-client gives the app's: where those follow, init's are left out
const own = (name) => `${all(name)} unless on (job, instance) ${all("sioinit_app_metrics_workers")}`;
const ask = (expr, legend) => ({ expr, legend });
// where nothing was measured there is no number, in place of NaN
const quantiles = (name, ...qs) => qs.map((q) => ask(`histogram_quantile(${q}, sum by (le) (${rate(all(`${name}_bucket`))})) >= 0`, `p${q * 100}`));

const NO_DATA = "no data";
const RED = "red", ORANGE = "orange", YELLOW = "yellow", GREEN = "green", BLUE = "blue", GREY = "text";
const steps = (...list) => ({ mode: "absolute", steps: list.map(([value, color]) => ({ color, value })) });
const fixed = (name, color) => ({ matcher: { id: "byName", options: name }, properties: [{ id: "color", value: { mode: "fixed", fixedColor: color } }] });
// a limit beside what is measured against it
const limit = (name) => ({
	matcher: { id: "byName", options: name },
	properties: [
		{ id: "color", value: { mode: "fixed", fixedColor: RED } },
		{ id: "custom.lineStyle", value: { fill: "dash", dash: [10, 10] } },
		{ id: "custom.fillOpacity", value: 0 },
	],
});
const mapping = (texts) => [{ type: "value", options: Object.fromEntries(texts.map(([text, color], i) => [i, { text, color, index: i }])) }];
const datasource = { type: "prometheus", uid: "${datasource}" };

function panel(type, title, description, { w = 8, h = 8, unit = "short", targets, interval, noValue = NO_DATA, thresholds = steps([null, GREEN]), mappings = [], overrides = [], decimals, defaults = {}, options = {}, format, exemplar }) {
	return {
		type,
		title,
		description,
		datasource,
		w,
		h,
		...(interval && { interval }),
		fieldConfig: { defaults: { unit, noValue, thresholds, mappings, ...(decimals !== undefined && { decimals }), ...defaults }, overrides },
		options,
		targets: targets.map(({ expr, legend }, i) => ({
			refId: String.fromCharCode(65 + i),
			datasource,
			editorMode: "code",
			expr,
			legendFormat: legend ?? "__auto",
			range: true,
			...(format && { format }),
			...(exemplar && { exemplar }),
		})),
	};
}

const stat = (title, description, { color = "value", graph = "area", textMode = "auto", ...rest }) =>
	panel("stat", title, description, {
		w: 3,
		h: 4,
		defaults: { color: { mode: "thresholds" }, min: 0 },
		options: { colorMode: color, graphMode: graph, justifyMode: "auto", orientation: "auto", textMode, reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false } },
		...rest,
	});

function lines(title, description, { stack = false, bars = false, thresholdLine = false, ...rest }) {
	const custom = {
		drawStyle: bars ? "bars" : "line",
		lineInterpolation: "linear",
		lineWidth: stack ? 0 : 1, // a line of 0 on top would be all there is to see
		fillOpacity: bars ? 80 : stack ? 60 : 8,
		gradientMode: "none",
		showPoints: "auto", // a single one would not be seen
		spanNulls: false,
		axisSoftMin: 0,
		stacking: { mode: stack || bars ? "normal" : "none", group: "A" },
		thresholdsStyle: { mode: thresholdLine ? "dashed" : "off" },
	};
	return panel("timeseries", title, description, {
		...(bars && { interval: "30s", decimals: 0 }), // a bar is no narrower than a few scrapes
		defaults: { color: { mode: "palette-classic" }, min: 0, custom },
		options: { legend: { showLegend: true, displayMode: "list", placement: "bottom", calcs: ["lastNotNull"] }, tooltip: { mode: "multi", sort: "desc" } },
		...rest,
	});
}

const heatmap = (title, description, rest) =>
	panel("heatmap", title, description, {
		format: "heatmap",
		defaults: { custom: { scaleDistribution: { type: "linear" } } },
		options: {
			calculate: false,
			cellGap: 1,
			cellValues: { unit: "short" },
			color: { mode: "scheme", scheme: "Oranges", steps: 64, fill: "dark-orange", reverse: false, exponent: 0.5, scale: "exponential" },
			filterValues: { le: 1e-9 },
			legend: { show: true },
			rowsFrame: { layout: "auto" },
			tooltip: { mode: "single", yHistogram: false, showColorScale: false },
			yAxis: { unit: "s", axisPlacement: "left", reverse: false },
		},
		...rest,
	});

const timeline = (title, description, rest) =>
	panel("state-timeline", title, description, {
		defaults: { color: { mode: "thresholds" }, custom: { fillOpacity: 70, lineWidth: 0 } },
		options: { mergeValues: true, showValue: "never", alignValue: "left", rowHeight: 0.8, legend: { showLegend: true, displayMode: "list", placement: "bottom", calcs: [] }, tooltip: { mode: "single", sort: "none" } },
		...rest,
	});

const each = "{{instance}} worker {{worker}}";
const classes = [fixed("1xx", GREY), fixed("2xx", GREEN), fixed("3xx", BLUE), fixed("4xx", YELLOW), fixed("5xx", RED)];
const errors = all("sioinit_http_responses_total", 'class="5xx"');
const unasked = all("sioinit_worker_ends_total", 'reason!="asked"');
const ready = all("sioinit_workers_ready");
const wanted = all("sioinit_workers_wanted");

const rows = {
	Overview: [
		stat("State", "The worst of the selected instances: serving (all workers are ready), degraded (some are), not ready (none is).", {
			color: "background",
			graph: "none",
			targets: [ask(`min(clamp_max(${ready}, 1) + (${ready} >= bool ${wanted}))`, "state")],
			mappings: mapping([["not ready", RED], ["degraded", ORANGE], ["serving", GREEN]]),
			thresholds: steps([null, RED], [1, ORANGE], [2, GREEN]),
			noValue: "down",
		}),
		stat("Workers", "Workers that are ready, and those that there should be.", {
			graph: "none",
			textMode: "value_and_name",
			targets: [ask(`sum(${ready})`, "ready"), ask(`sum(${wanted})`, "wanted")],
		}),
		stat("Sessions", "Engine.IO sessions now: clients of Socket.IO, whether they poll or have a WebSocket.", { targets: [ask(`sum(${all("sioinit_sessions")})`, "sessions")] }),
		stat("WebSockets", "Client sockets that workers hold: WebSockets and other upgraded connections.", { targets: [ask(`sum(${all("sioinit_worker_sockets")})`, "sockets")] }),
		stat("Requests", "HTTP requests passed on to workers, polls among them.", { unit: "reqps", targets: [ask(`sum(${rate(all("sioinit_http_requests_total"))})`, "requests")] }),
		stat("Errors", "Share of 5xx in all answers, the app's and sioinit's own. SioinitErrorsHigh fires above 5 %.", {
			unit: "percentunit",
			targets: [ask(`sum(${rate(errors)}) / (sum(${rate(all("sioinit_http_responses_total"))}) > 0)`, "5xx")],
			thresholds: steps([null, GREEN], [0.01, YELLOW], [0.05, RED]),
			noValue: "no requests",
		}),
		stat("Duration, p99", "99 of 100 requests took no longer, from their head to the end of the answer. Polls, which wait on purpose, are left out.", {
			unit: "s",
			targets: quantiles("sioinit_http_request_duration_seconds", 0.99),
			thresholds: steps([null, GREEN], [0.5, YELLOW], [2, RED]),
			noValue: "no requests",
		}),
		stat("Ends of workers", "Workers that ended within the time range though nobody had asked for it: crashes, hangs, out of memory, killed at a stop.", {
			graph: "none",
			decimals: 0,
			targets: [ask(`sum(increase(${unasked}[$__range]))`, "ends")],
			thresholds: steps([null, GREEN], [0.5, ORANGE], [3, RED]),
		}),
	],
	Traffic: [
		lines("Answers by class", "Answers to HTTP requests, by class of status. 5xx are the app's own or sioinit's (502, 503, 504).", {
			unit: "reqps",
			stack: true,
			targets: [ask(`sum by (class) (${rate(all("sioinit_http_responses_total"))})`, "{{class}}")],
			overrides: classes,
		}),
		lines("Connections", "Client connections at the routers, and sockets that workers have taken over.", {
			targets: [ask(`sum(${all("sioinit_clients")})`, "at the router"), ask(`sum(${all("sioinit_worker_sockets")})`, "at workers")],
		}),
		lines("Refused and tried again", "Refused: no worker was ready, or a limit was reached (503). Tried again: on another connection, which the client does not notice. Handed back: a hand-off that a worker did not take.", {
			unit: "reqps",
			targets: [
				ask(`sum(${rate(all("sioinit_no_worker_total"))})`, "refused"),
				ask(`sum(${rate(all("sioinit_retries_total"))})`, "tried again"),
				ask(`sum(${rate(all("sioinit_handbacks_total"))})`, "handed back"),
			],
			overrides: [fixed("refused", RED)],
		}),
	],
	Latency: [
		lines("Request duration", "From the head of a request to the end of the answer; polls are left out. Dots are traces of single requests, where Prometheus keeps exemplars.", { unit: "s", exemplar: true, targets: quantiles("sioinit_http_request_duration_seconds", 0.5, 0.95, 0.99), noValue: "no requests" }),
		heatmap("Request duration, distribution", "How many requests took how long: the darker, the fewer.", { targets: [ask(`sum by (le) (${increase(all("sioinit_http_request_duration_seconds_bucket"))})`, "{{le}}")], noValue: "no requests" }),
		lines("Hand-off duration", "Until a worker has taken over a connection that becomes a WebSocket.", { unit: "s", targets: quantiles("sioinit_handoff_duration_seconds", 0.5, 0.95, 0.99), noValue: "no hand-offs" }),
	],
	Workers: [
		timeline("Ready", "When each worker got new sessions. A gap is a restart, a reload or a hang.", {
			targets: [ask(worker("sioinit_worker_ready"), each)],
			mappings: mapping([["not ready", RED], ["ready", GREEN]]),
			thresholds: steps([null, RED], [1, GREEN]),
		}),
		lines("Event loop lag", "What each worker's event loop, or health path, last took to answer. SioinitEventLoopLag fires above 0.1 s on average.", {
			unit: "s",
			thresholdLine: true,
			thresholds: steps([null, GREEN], [0.1, RED]),
			targets: [ask(worker("sioinit_worker_event_loop_lag_seconds"), each)],
		}),
		lines("Event loop lag, all answers", "Every answer of all workers, those between two scrapes, too.", { unit: "s", targets: quantiles("sioinit_event_loop_lag_seconds", 0.5, 0.95, 0.99) }),
		lines("CPU", "Of one CPU. Node's JavaScript is one thread: at 100 % a worker has nothing left.", {
			unit: "percentunit",
			thresholdLine: true,
			thresholds: steps([null, GREEN], [0.9, RED]),
			targets: [ask(rate(worker("sioinit_worker_cpu_seconds_total")), each)],
		}),
		lines("Memory", "Resident memory of each worker. What rises without end is a leak: SIOINIT_MAX_MEMORY replaces a worker in time.", { unit: "bytes", targets: [ask(worker("sioinit_worker_resident_memory_bytes"), each)] }),
		lines("Ends by reason", "Why workers ended. `asked` is a reload, a scale or a stop; all others are unwanted.", {
			bars: true,
			targets: [ask(events("sum by (reason) ", all("sioinit_worker_ends_total")), "{{reason}}")],
			overrides: [fixed("asked", BLUE)],
			noValue: "no ends",
		}),
		lines("Sessions by worker", "Engine.IO sessions that each worker holds. New ones go to the worker with the fewest.", { targets: [ask(worker("sioinit_worker_sessions"), each)] }),
		lines("WebSockets by worker", "Client sockets that each worker holds.", { targets: [ask(worker("sioinit_worker_sockets"), each)] }),
		lines("Requests by worker", "Requests passed on to each worker.", { unit: "reqps", targets: [ask(rate(worker("sioinit_worker_requests_total")), each)] }),
	],
	Relay: [
		lines("Messages", "Messages between workers that cluster-adapter or cluster-engine sent: broadcasts, joins, requests.", { unit: "mps", targets: [ask(`sum by (instance) (${rate(all("sioinit_relay_messages_total"))})`, "{{instance}}")] }),
		lines("Bytes", "Bytes of these messages, as they were received; each of the other workers gets a copy.", { unit: "Bps", targets: [ask(`sum by (instance) (${rate(all("sioinit_relay_bytes_total"))})`, "{{instance}}")] }),
		lines("Queue", "What waits in init's memory, each byte counted once, and what may wait there (SIOINIT_RELAY_MEMORY).", {
			unit: "bytes",
			targets: [ask(`sum(${all("sioinit_relay_queued_bytes")})`, "queued"), ask(`sum(${all("sioinit_relay_queue_limit_bytes")})`, "limit")],
			overrides: [limit("limit")],
		}),
		lines("Backlog by receiver", "Messages of the others that wait for each worker. The one with the most has to leave first.", { unit: "bytes", targets: [ask(worker("sioinit_worker_relay_backlog_bytes"), each)] }),
		lines("Evictions", "Workers that left the relay, since they were behind or flooded it. Each of them is replaced.", {
			bars: true,
			targets: [ask(events("", worker("sioinit_worker_relay_evictions_total")), each)],
			noValue: "no evictions",
		}),
		lines("Messages passed over", "Messages that were not relayed: unreadable, or larger than the room there was.", {
			bars: true,
			targets: [ask(events("sum by (reason) ", all("sioinit_relay_passed_over_total")), "{{reason}}")],
			noValue: "none",
		}),
	],
	Sessions: [
		lines("Begun and upgraded", "Sessions that began (handshakes), and connections that became WebSockets. A peak is clients that come back all at once.", {
			unit: "suffix: /s",
			targets: [ask(`sum(${rate(all("sioinit_handshakes_total"))})`, "handshakes"), ask(`sum(${rate(all("sioinit_upgrades_total"))})`, "upgrades")],
		}),
		lines("Unknown sessions", "Requests of a session that nobody has (unknown: they came to the wrong container), or whose worker has ended (worker_ended: normal after a crash).", {
			unit: "reqps",
			targets: [ask(`sum by (reason) (${rate(all("sioinit_sid_misses_total"))})`, "{{reason}}")],
			overrides: [fixed("unknown", RED), fixed("worker_ended", ORANGE)],
		}),
		lines("Sessions by instance", "Engine.IO sessions of each instance, and polls that wait while their router is replaced.", {
			targets: [ask(all("sioinit_sessions"), "{{instance}}"), ask(`sum(${all("sioinit_parked_polls")})`, "polls kept for a router")],
		}),
	],
	System: [
		lines("Memory of the container", "What the container, or service, uses of its limit. Without a limit there is none to see.", {
			unit: "bytes",
			targets: [ask(all("sioinit_memory_usage_bytes"), "{{instance}} used"), ask(`max(${all("sioinit_memory_limit_bytes")})`, "limit")],
			overrides: [limit("limit")],
			noValue: "not in a cgroup",
		}),
		lines("Near misses", "How often nine tenths of the memory limit were in use, beyond what the kernel can free at once.", {
			bars: true,
			targets: [ask(events("", all("sioinit_memory_near_misses_total")), "{{instance}}")],
			noValue: "none",
		}),
		lines("Phase", "Instances in each phase.", { stack: true, targets: [ask(`sum by (phase) (${all("sioinit_phase")}) > 0`, "{{phase}}")], overrides: [fixed("serving", GREEN), fixed("starting", BLUE), fixed("lame-duck", YELLOW), fixed("draining", ORANGE)] }),
		lines("CPU of init and routers", "Of one CPU. init's is not there when the app has metrics of the same name (prom-client's defaults).", {
			unit: "percentunit",
			targets: [ask(`rate(${all("process_cpu_seconds_total")}[$__rate_interval]) unless on (job, instance) ${all("sioinit_app_metrics_workers")}`, "{{instance}} init"), ask(rate(all("sioinit_router_cpu_seconds_total")), "{{instance}} router {{router}}")],
		}),
		lines("Memory of init and routers", "Resident memory. init's is not there when the app has metrics of the same name (prom-client's defaults).", {
			unit: "bytes",
			targets: [ask(own("process_resident_memory_bytes"), "{{instance}} init"), ask(all("sioinit_router_resident_memory_bytes"), "{{instance}} router {{router}}")],
		}),
		lines("Descriptors of init", "Open files, sockets and pipes of init. Routers and workers have their own.", {
			targets: [ask(own("process_open_fds"), "{{instance}}")],
			noValue: "the app's are shown in its own",
		}),
	],
	"Reloads and drains": [
		lines("Reloads", "Rolling reloads that began, and those that failed: the old workers went on then. A router that starts again has ended by itself.", {
			bars: true,
			targets: [
				ask(events("sum", all("sioinit_reloads_total")), "begun"),
				ask(events("sum", all("sioinit_reload_failures_total")), "failed"),
				ask(events("sum", all("sioinit_router_starts_total")), "routers started"),
			],
			overrides: [fixed("begun", BLUE), fixed("failed", RED), fixed("routers started", ORANGE)],
			noValue: "no reloads",
		}),
		lines("Time to ready", "From the start of a worker until it was ready.", { unit: "s", targets: quantiles("sioinit_worker_ready_duration_seconds", 0.5, 0.95), noValue: "no starts" }),
		lines("Time to drain", "From the moment a worker was asked to go until it had ended.", { unit: "s", targets: quantiles("sioinit_worker_drain_duration_seconds", 0.5, 0.95), noValue: "no drains" }),
	],
};

const rowOf = (title, id, y) => ({ type: "row", id, title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });

// Puts the panels side by side, and below each other where the 24 columns are full.
function laidOut() {
	const panels = [];
	let y = 0;
	for (const [title, list] of Object.entries(rows)) {
		panels.push(rowOf(title, panels.length + 1, y++));
		let x = 0, height = 0;
		for (const { w, h, type, ...rest } of list) {
			if (x + w > 24) [x, y] = [0, y + height];
			panels.push({ type, id: panels.length + 1, gridPos: { x, y, w, h }, ...rest });
			[x, height] = [x + w, h];
		}
		y += height;
	}
	return panels;
}

const listOf = (name, label, series) => ({
	type: "query",
	name,
	label,
	datasource,
	definition: `label_values(${series},${name})`,
	query: { qryType: 1, query: `label_values(${series},${name})`, refId: `variable-${name}` },
	multi: true,
	includeAll: true,
	allValue: ".*",
	current: { selected: true, text: ["All"], value: ["$__all"] },
	refresh: 2,
	regex: "",
	sort: 1,
	hide: 0,
	options: [],
	skipUrlSync: false,
});

const mark = (name, iconColor, expr, text) => ({ name, iconColor, datasource, enable: true, hide: false, expr, step: "30s", titleFormat: name, textFormat: text, tagKeys: "" });

const dashboard = {
	title: "sioinit",
	uid: "sioinit",
	description: "Socket.IO apps under sioinit: traffic, latency, workers, broadcasts, sessions, memory, reloads. Alerts that go with it: monitoring/alerts.yaml.",
	tags: ["sioinit", "socket.io"],
	schemaVersion: 39,
	version: 1,
	editable: true,
	graphTooltip: 1,
	refresh: "30s",
	time: { from: "now-1h", to: "now" },
	timezone: "browser",
	fiscalYearStartMonth: 0,
	links: [],
	annotations: {
		list: [
			{ builtIn: 1, datasource: { type: "grafana", uid: "-- Grafana --" }, enable: true, hide: true, iconColor: "rgba(0, 211, 255, 1)", name: "Annotations & Alerts", type: "dashboard" },
			mark("Reloads", "blue", `sum by (instance) (${increase(all("sioinit_reloads_total"))}) > 0`, "{{instance}}"),
			mark("Ends of workers", "red", `sum by (instance, reason) (${increase(unasked)}) > 0`, "{{instance}}: {{reason}}"),
		],
	},
	templating: {
		list: [
			{ type: "datasource", name: "datasource", label: "Data source", query: "prometheus", regex: "", multi: false, includeAll: false, refresh: 1, hide: 0, options: [], skipUrlSync: false },
			listOf("job", "Job", "sioinit_build_info"),
			listOf("instance", "Instance", 'sioinit_build_info{job=~"$job"}'),
			listOf("worker", "Worker", `sioinit_worker_ready{${where}}`),
		],
	},
	panels: laidOut(),
};

process.stdout.write(JSON.stringify(dashboard, null, "\t") + "\n");
