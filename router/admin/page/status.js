"use strict";
// The status page: /events says once a second how all is, the page shows it. Texts come into the page as text only.

const LOST_MS = 3000; // without a word for that long, what is shown is not how it is
const HUNG_MS = 8000; // then ask anew
const STEPS = 60; // of history
const END = STEPS - 1; // the right end of a chart
const MANY = 24; // workers that are scrolled, those in trouble first
const DEATHS = 4; // shown unasked
const RATE_OVER_MS = 5000;

const $ = (id) => document.getElementById(id);
const root = document.documentElement;

// What has not changed is not touched
function put(node, value) {
	if (node.textContent !== value) node.textContent = value;
}
function mark(node, name, value) {
	if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}
function make(tag, props, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(props ?? {})) name in node ? (node[name] = value) : node.setAttribute(name, value);
	node.append(...children);
	return node;
}
function draw(tag, attributes, ...children) {
	const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value);
	node.append(...children);
	return node;
}

// ---- words for numbers

const isKnown = (n) => Number.isFinite(n) && n >= 0;
const plural = (n, one) => `${count(n)} ${one}${n === 1 ? "" : "s"}`;
const count = (n) => Math.round(n ?? 0).toLocaleString("en");
const percent = (part) => `${Math.round(part * 100)} %`;

function rate(n) {
	if (n === undefined) return "–";
	return n > 0 && n < 9.95 ? n.toFixed(1) : count(n);
}

function two(s, big, name, small, then) {
	const rest = Math.floor((s % big) / small);
	return `${Math.floor(s / big)} ${name}${rest ? ` ${rest} ${then}` : ""}`;
}

function age(s) {
	if (!isKnown(s)) return "–";
	if (s < 60) return `${Math.floor(s)} s`;
	if (s < 600) return two(s, 60, "min", 1, "s");
	if (s < 3600) return `${Math.floor(s / 60)} min`;
	if (s < 86400) return two(s, 3600, "h", 60, "min");
	return two(s, 86400, "d", 3600, "h");
}

// In a row: as short as it can be
function roughly(s) {
	const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([size]) => s >= size) ?? [1, "s"];
	return isKnown(s) ? `${Math.floor(s / size)} ${unit}` : "–";
}

// "66 of 233 MiB"
function share(part, whole) {
	const [a, b] = [bytes(part), bytes(whole)];
	return `${a.slice(-3) === b.slice(-3) ? a.slice(0, -4) : a} of ${b}`;
}

function bytes(b) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let i = 0;
	for (; b >= 1000 && i < 4; i++) b /= 1024;
	return `${b < 10 && i > 2 ? b.toFixed(1) : Math.round(b)} ${units[i]}`;
}

function took(s) {
	if (!isKnown(s)) return "–";
	return s < 1 ? `${s > 0 && s < 0.001 ? "<1" : Math.round(s * 1000)} ms` : `${s.toFixed(1)} s`;
}

const sentence = (text) => text && text[0].toUpperCase() + text.slice(1);
// With the day, if that is another
function moment(ms) {
	const d = new Date(ms);
	const time = clock(ms).slice(0, 5);
	return Date.now() - ms < 43200000 ? time : `${d.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${time}`;
}

const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");

// ---- what is known

let status; // the last that came
let heardAt = 0; // when, by performance.now()
let totals = []; // of the last seconds, for rates
let lost = false;
let access = { token_set: false, authorised: false };
let words = new Map(); // of the dead: slot and pid -> lines
let wordsFor = -1; // worker_ends that they were asked for
const cpu = new Map(); // slot -> { pid, at, cpu_s, share }

const since = () => (performance.now() - heardAt) / 1000;

// Per second: over the last few, so that a quiet service does not flicker between 0 and 1
function rateOf(name) {
	const first = totals[0];
	const last = totals.at(-1);
	return first === last ? undefined : Math.max(0, (last[name] - first[name]) / ((last.at - first.at) / 1000));
}

function learn(s) {
	const now = { at: s.now_ms, requests: s.requests, broadcasts: s.relay_messages, connects: s.connections, errors: s.responses?.["5xx"] };
	const before = totals.at(-1);
	if (before && (now.at <= before.at || now.requests < before.requests || now.at - before.at > 4 * RATE_OVER_MS)) totals = [];
	totals.push(now);
	while (totals.length > 2 && now.at - totals[0].at > RATE_OVER_MS) totals.shift();
	for (const w of s.workers ?? []) {
		const c = cpu.get(w.slot);
		const on = c && c.pid === w.pid && s.now_ms > c.at;
		cpu.set(w.slot, { pid: w.pid, at: s.now_ms, cpu_s: w.cpu_s, share: on ? Math.max(0, (w.cpu_s - c.cpu_s) / ((s.now_ms - c.at) / 1000)) : undefined });
	}
}

// ---- the verdict

const SIGNS = {
	good: ["M24 2a22 22 0 1 0 0 44 22 22 0 0 0 0-44z", "M14 25l7 7 14-15"],
	warn: ["M20.500 4.500a4 4 0 0 1 7 0l18 33a4 4 0 0 1-3.500 6H6a4 4 0 0 1-3.500-6z", "M24 16v12M24 35.500v.1"],
	bad: ["M15 2h18l13 13v18L33 46H15L2 33V15z", "M16.500 16.500l15 15M31.500 16.500l-15 15"],
	info: ["M24 2a22 22 0 1 0 0 44 22 22 0 0 0 0-44z", "M24 13v12l8 5"],
	lost: ["M24 2a22 22 0 1 0 0 44 22 22 0 0 0 0-44z", "M17 18a7 7 0 1 1 10 6.500c-2 1-3 2.200-3 4.500M24 36v.1"],
};
const TABS = { good: ["#1c8a55", "\u2713"], warn: ["#d98a00", "\u26a0"], bad: ["#d0342c", "\u2716"], info: ["#3a6fd0", "\u2026"], lost: ["#80858c", "?"] };
const TONES = { error: "bad", warn: "warn", info: "info" };
const SEVERITIES = { bad: "error", warn: "warning", info: "note" };

// What a condition is called, WHO is its worker; and what to know or do
const CONDITIONS = {
	"init-silent": ["init does not answer", "Who is connected is still served."],
	"no-worker-ready": ["No worker is ready", "How the last ones ended is below, with what they said."],
	"no-worker-refusals": ["Clients are turned away", "More workers, or a cause why they are not ready, below."],
	"hanging": ["WHO hangs", "It is killed and replaced when SIOINIT_HANG_TIMEOUT has passed."],
	"flapping": ["WHO keeps crashing", "It is started again, later each time. Its last words are below, under \u201cHow workers ended\u201d."],
	"workers-missing": ["Workers are missing", "The others carry the load. How the missing ones ended is below."],
	"suspect": ["WHO is slow", "If that lasts, a CPU profile shows what it computes; a restart helps for a while."],
	"memory-high": ["Memory is nearly full", "At the limit the kernel kills. Give the container more, run fewer workers, or set SIOINIT_MAX_MEMORY: a worker that grows is then replaced in time."],
	"relay-evicted": ["WHO could not keep up", "Fewer or smaller broadcasts help, or more CPU."],
	"relay-backlog": ["Broadcasts pile up", "The worker that is slow to read is replaced at the limit."],
	"reload-failed": ["The last reload failed", "What the new version said is below."],
	"session-misses": ["Sessions are not found", "After a restart that passes. If it stays, a balancer in front spreads one session over several instances."],
	"held": ["Held out of traffic", "/readyz says 503; serving goes on."],
	"lame-duck": ["About to stop", ""],
	"draining": ["Stopping", ""],
	"starting": ["Starting", "The first workers load the app."],
};
const PHASES = { "starting": "Starting", "lame-duck": "About to stop", "draining": "Stopping" };
const RANK = { error: 0, warn: 1, info: 2 };

function called(c) {
	const [name] = CONDITIONS[c.id] ?? [sentence(c.text)];
	return name.replace("WHO", Number.isInteger(c.slot) ? `Worker ${c.slot}` : "A worker");
}

const howLong = (c, now_ms) => (isKnown(c.since_s) ? `for ${age(c.since_s)}, since ${moment(now_ms - c.since_s * 1000)}` : "");

const isLeaving = (s) => Boolean(s.drain?.stage) && !["none", "held"].includes(s.drain.stage);

// The first glance: { tone, text, since, advice, slot, rest: the other conditions }
function verdict(s) {
	if (lost) return { tone: "lost", text: "No answer from sioinit", since: `for ${age(since())}; trying again`, advice: s ? `${isLeaving(s) ? "It was about to stop. " : ""}What is below is how it was at ${clock(s.now_ms)}.` : "", rest: [] };
	const list = [...(s.conditions ?? [])].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
	if (s.conditions_left_out) list.push({ severity: "info", id: "more", text: `${count(s.conditions_left_out)} more of these` });
	const [first, ...rest] = list;
	if (first && (first.severity !== "info" || s.phase !== "serving"))
		return { tone: TONES[first.severity], text: called(first), since: howLong(first, s.now_ms), advice: `${sentence(first.text.replace(/^(about to stop|stopping): /, ""))}. ${CONDITIONS[first.id]?.[1] ?? ""}`, slot: first.slot, rest };
	if (s.phase !== "serving") return { tone: "info", text: PHASES[s.phase] ?? sentence(s.phase), since: "", advice: "", rest: list };
	if (s.ok === false) return { tone: "warn", text: "Something is wrong", since: well(s), advice: "", rest: list };
	return { tone: "good", text: "All is well", since: well(s), advice: "", rest: list };
}

function well(s) {
	const ready = s.workers_ready ?? 0;
	const all = s.workers_wanted ?? ready;
	const who = ready < all ? `${ready} of ${plural(all, "worker")} serve` : all === 1 ? "The worker serves" : `All ${count(all)} workers serve`;
	const sockets = (s.workers ?? []).reduce((n, w) => n + w.sockets, 0);
	return `${who}${s.sessions ? ` ${plural(s.sessions, "session")}` : sockets ? ` ${plural(sockets, "socket")}` : ""}`;
}

let shownTone;
function showTab(v, s) {
	const [color, sign] = TABS[v.tone];
	const title = `${sign} ${v.text} \u2013 ${s?.host ? `${s.host} \u2013 ` : ""}sioinit`;
	if (document.title !== title) document.title = title;
	if (shownTone === v.tone) return;
	shownTone = v.tone;
	const [shape, path] = SIGNS[v.tone];
	mark(root, "data-state", v.tone);
	mark($("sign-shape"), "d", shape);
	mark($("sign-mark"), "d", path);
	const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><path fill="${color}" d="${shape}"/><path fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" d="${path}"/></svg>`;
	document.querySelector("link[rel=icon]").href = `data:image/svg+xml,${encodeURIComponent(icon)}`;
}

function showVerdict(v) {
	put($("headline"), v.text);
	put($("since"), v.since && sentence(v.since));
	const key = `${v.advice}|${v.slot}`;
	if ($("advice").dataset.key !== key) {
		$("advice").dataset.key = key;
		$("advice").replaceChildren(v.advice, ...(Number.isInteger(v.slot) ? [v.advice && " ", make("a", { href: `#worker-${v.slot}` }, `Show worker ${v.slot}`)] : []));
	}
	put($("spoken"), v.text); // read aloud when it changes, unlike the seconds
	keyed($("conditions"), v.rest, (c) => `${c.id}-${c.slot}`, newCondition, (li, c) => {
		const tone = TONES[c.severity] ?? "info";
		mark(li.firstChild, "class", `severity ${tone}`);
		put(li.firstChild, SEVERITIES[tone]);
		put(li.children[1], sentence(c.text));
		put(li.children[2], howLong(c, status.now_ms));
	});
}

const newCondition = () => make("li", {}, make("span"), make("span"), make("small"));

// A child for each item, in order; those that stay are changed in place
function keyed(parent, items, keyOf, create, update) {
	const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
	let at = parent.firstElementChild;
	for (const item of items) {
		const key = String(keyOf(item));
		let node = old.get(key);
		old.delete(key);
		if (!node) {
			node = create(item);
			node.dataset.key = key;
		}
		if (node === at) at = at.nextElementSibling;
		else parent.insertBefore(node, at);
		update(node, item);
	}
	for (const node of old.values()) node.remove();
}

function showProgress(s) {
	const r = s.reload ?? {};
	const d = s.drain ?? {};
	const reloading = r.state && r.state !== "idle";
	const leaving = d.stage && d.stage !== "none";
	const reloaded = r.last === "ok" && isKnown(r.last_ago_s) && r.last_ago_s < 60;
	$("progress").hidden = !reloading && !leaving && !reloaded;
	if (reloading) {
		const doing = r.slot === null || r.slot === undefined ? "" : `: worker ${r.slot} ${r.state === "booting" ? "has a successor that starts" : "hands over"}`;
		put($("bar-text"), `Reload, ${r.done} of ${r.of} done${doing}`);
		mark($("bar"), "max", String(r.of || 1));
		mark($("bar"), "value", String(r.done + (r.state === "draining" ? 0.5 : 0.1)));
	} else if (leaving) {
		const stages = ["lame-duck", "leaving", "goodbye", "draining", "stopping"];
		put($("bar-text"), d.stage === "held" ? `Held out of traffic for ${age(d.since_s)}` : `Stop: ${d.stage} for ${age(d.since_s)}`);
		mark($("bar"), "max", String(stages.length));
		mark($("bar"), "value", String(stages.indexOf(d.stage) + 1));
	} else if (reloaded) put($("bar-text"), `Reloaded ${age(r.last_ago_s)} ago`);
	$("bar").hidden = !reloading && (!leaving || d.stage === "held");
}

// ---- key numbers

function tile(name) {
	const big = make("dd", { className: "big" });
	const fill = draw("rect", { width: 0, height: 1 });
	const bar = draw("svg", { "class": "track", "viewBox": "0 0 1 1", "preserveAspectRatio": "none", "aria-hidden": "true" }, fill);
	const more = make("dd", { className: "more" });
	$("numbers").append(make("div", {}, make("dt", {}, name), big, more, make("dd", {}, bar)));
	return (value, text = "", part) => {
		put(big, value);
		put(more, text);
		bar.style.visibility = part === undefined ? "hidden" : "visible";
		fillTo(fill, part);
	};
}

function fillTo(rect, part) {
	mark(rect, "width", String(Math.min(1, part ?? 0).toFixed(3)));
	mark(rect, "class", part >= 0.9 ? "fill bad" : part >= 0.75 ? "fill warn" : "fill");
}

const tiles = Object.fromEntries(["Workers ready", "Sessions", "Sockets", "Slowest event loop", "CPU", "Memory"].map((name) => [name, tile(name)]));

function showNumbers(s) {
	const workers = s.workers ?? [];
	const sum = (name) => workers.reduce((n, w) => n + (w[name] ?? 0), 0);
	const slowest = workers.reduce((a, w) => (w.pid && w.lag_s > (a?.lag_s ?? -1) ? w : a), undefined);
	const shares = workers.map((w) => cpu.get(w.slot)?.share).filter((n) => n !== undefined);
	const used = shares.reduce((a, b) => a + b, 0);
	const { used_b: memory, limit_b: limit } = s.memory ?? {};
	tiles["Workers ready"](count(s.workers_ready), `of ${count(s.workers_wanted)}${s.worker_ends ? `, ${plural(s.worker_ends, "end")} so far` : ""}`);
	tiles.Sessions(count(s.sessions), s.sid_misses ? `${count(s.sid_misses)} not found` : "");
	tiles.Sockets(count(sum("sockets")), `${plural(s.upgrades, "upgrade")} so far`);
	tiles["Slowest event loop"](slowest ? took(slowest.lag_s) : "–", slowest && workers.length > 1 ? `worker ${slowest.slot}` : "");
	tiles.CPU(shares.length && s.cpus ? percent(used / s.cpus) : "–", s.cpus ? `of ${+s.cpus.toFixed(2)} CPU${s.cpus === 1 ? "" : "s"}` : "", shares.length && s.cpus ? used / s.cpus : undefined);
	tiles.Memory(bytes(memory || sum("rss_b")), limit ? `of ${bytes(limit)}` : "no limit", limit ? memory / limit : undefined);
}

// ---- charts

const CHARTS = [
	{ name: "requests", title: "Requests" },
	{ name: "broadcasts", title: "Broadcasts" },
	{ name: "connects", title: "Connects" },
	{ name: "errors", title: "Errors (5xx)", isBad: true },
];

for (const chart of CHARTS) {
	chart.value = make("b");
	chart.when = make("span", {}, "5 min ago");
	chart.top = make("span");
	chart.end = make("span");
	chart.area = draw("path", { class: "area" });
	chart.line = draw("path", { class: "line" });
	chart.cursor = draw("path", { class: "cursor" });
	chart.plot = draw("svg", { "class": "plot", "viewBox": `0 0 ${END} 100`, "preserveAspectRatio": "none", "role": "img" },
		draw("path", { class: "base", d: `M0 100H${END}` }), chart.area, chart.line, chart.cursor);
	chart.figure = make("figure", {},
		make("figcaption", {}, make("span", {}, chart.title), chart.value), chart.plot,
		make("div", { "className": "axis", "aria-hidden": "true" }, chart.when, chart.top, chart.end));
	$("charts").append(chart.figure);
	chart.plot.addEventListener("pointermove", (e) => {
		const box = chart.plot.getBoundingClientRect();
		chart.at = Math.round(((e.clientX - box.left) / box.width) * END);
		showChart(chart);
	});
	chart.plot.addEventListener("pointerleave", () => {
		chart.at = undefined;
		showChart(chart);
	});
}

// A round number that is not less
function ceiling(n) {
	const unit = 10 ** Math.floor(Math.log10(Math.max(n, 1)));
	return [1, 2, 5, 10].find((m) => m * unit >= n) * unit;
}

// "x y" for each value, the last one at the right end
const points = (values, max, height = 100) => values.map((v, i) => `${STEPS - values.length + i} ${(height - (Math.max(0, v) / max) * height).toFixed(1)}`);

function showChart(chart) {
	const step = status.history?.step_s ?? 5;
	const now = rateOf(chart.name);
	const past = (status.history?.[chart.name] ?? []).slice(1 - STEPS);
	const values = now === undefined ? past : [...past, now];
	const highest = Math.max(0, ...values);
	const max = ceiling(highest);
	const p = points(values, max);
	const path = p.length ? `M${p.join("L")}` : "";
	mark(chart.figure, "class", chart.isBad && highest > 0 ? "bad" : "");
	mark(chart.line, "d", p.length > 1 ? path : "");
	mark(chart.area, "d", p.length > 1 ? `${path}V100H${STEPS - values.length}z` : "");
	const i = chart.at === undefined ? -1 : chart.at - (STEPS - values.length);
	const pointed = values[i] !== undefined;
	put(chart.value, rate(pointed ? values[i] : now ?? values.at(-1)));
	put(chart.when, pointed && i < values.length - 1 ? `${age((values.length - 1 - i) * step)} ago` : `${age(STEPS * step)} ago`);
	put(chart.end, lost ? clock(status.now_ms) : "now");
	put(chart.top, pointed ? "" : `at most ${rate(highest)}`);
	mark(chart.cursor, "d", pointed ? `M${chart.at} 0V100` : "");
	mark(chart.plot, "aria-label", `${chart.title} per second: ${rate(now)} now, at most ${rate(highest)} in the last ${age(STEPS * step)}`);
}

// ---- workers

const STATES = { ready: "good", booting: "info", spawned: "info", draining: "info", suspect: "warn", closed: "warn", stopping: "warn", dead: "bad", none: "bad" };
const rows = new Map();
const inView = new Set();
const watcher = new IntersectionObserver((entries) => {
	const workers = new Map(status.workers.map((w) => [`worker-${w.slot}`, w]));
	for (const { target, isIntersecting } of entries) {
		isIntersecting ? inView.add(target) : inView.delete(target);
		if (isIntersecting && workers.has(target.id)) showRow(workers.get(target.id), status);
	}
});

function newRow(w) {
	const tr = make("tr", { role: "row", id: `worker-${w.slot}` });
	const cell = (label, className, ...inside) => {
		const td = make("td", { "role": "cell", className, "data-label": label }, ...inside);
		tr.append(td);
		return td;
	};
	const r = { tr, pid: make("small"), state: make("span", { className: "state" }), for: make("small"), lag: make("span"), cpu: make("span"), memory: make("span"), line: draw("path", { class: "line" }), cpuBar: draw("rect", { height: 1 }), memoryBar: draw("rect", { height: 1 }) };
	const meter = (text, svg) => make("div", { className: "meter" }, svg, text);
	const bar = (rect) => draw("svg", { "class": "track", "viewBox": "0 0 1 1", "preserveAspectRatio": "none", "aria-hidden": "true" }, rect);
	tr.append(make("th", { role: "rowheader", scope: "row" }, make("span", {}, `Worker ${w.slot}`), " ", r.pid));
	cell("", "said", r.state, " ", r.for).removeAttribute("data-label");
	r.sessions = cell("Sessions", "n").appendChild(make("span"));
	r.sockets = cell("Sockets", "n").appendChild(make("span"));
	cell("Event-loop lag", "wide", meter(r.lag, draw("svg", { "class": "spark", "viewBox": `0 0 ${END} 20`, "preserveAspectRatio": "none", "aria-hidden": "true" }, r.line)));
	cell("CPU", "wide", meter(r.cpu, bar(r.cpuBar)));
	cell("Memory", "wide", meter(r.memory, bar(r.memoryBar)));
	r.restarts = cell("Restarts", "n").appendChild(make("span"));
	r.age = cell("Age", "n").appendChild(make("span"));
	const act = cell("", "act");
	act.removeAttribute("data-label");
	r.button = act.appendChild(make("button", { type: "button", className: "plain", hidden: true, onclick: () => actOn("restart", w.slot) }, "Restart…", make("span", { className: "unseen" }, ` worker ${w.slot}`)));
	rows.set(w.slot, r);
	watcher.observe(tr);
	return tr;
}

function showRow(w, s) {
	const r = rows.get(w.slot);
	const c = cpu.get(w.slot);
	const limit = w.memory_limit_b || s.memory?.limit_b;
	const alive = Boolean(w.pid);
	mark(r.tr, "data-tone", STATES[w.state] ?? "info");
	put(r.state, w.state === "none" || w.state === "dead" ? "ended" : w.state);
	put(r.for, `for ${roughly(w.state_since_s)}`);
	put(r.pid, alive ? `pid ${w.pid}` : "");
	put(r.sessions, alive ? count(w.sessions) : "–");
	put(r.sockets, alive ? count(w.sockets) : "–");
	put(r.lag, alive ? took(w.lag_s) : "–");
	put(r.cpu, alive && c?.share !== undefined ? percent(c.share) : "–");
	fillTo(r.cpuBar, alive ? c?.share : 0);
	put(r.memory, !alive ? "–" : w.memory_limit_b ? share(w.rss_b, w.memory_limit_b) : bytes(w.rss_b));
	fillTo(r.memoryBar, alive && limit ? w.rss_b / limit : 0);
	r.memoryBar.parentNode.style.visibility = limit ? "visible" : "hidden";
	put(r.restarts, count(Math.max(0, w.starts - 1)));
	put(r.age, alive ? roughly(w.uptime_s) : "–");
	r.button.hidden = !access.authorised;
	if (inView.has(r.tr)) showLag(r, w, s);
}

function showLag(r, w, s) {
	const values = [...(s.history?.lag_s?.[w.slot] ?? []).slice(1 - STEPS), w.lag_s ?? 0];
	const highest = Math.max(...values);
	const p = points(values, Math.max(0.05, highest), 20); // 50 ms fill it at least
	mark(r.line, "d", p.length > 1 ? `M${p.join("L")}` : "");
	mark(r.tr, "data-late", highest >= 1 ? "yes" : "no");
}

// What is scrolled can be reached by keyboard, and has a name
function scrolls(box, is) {
	if (box.classList.contains("many") === is) return;
	box.classList.toggle("many", is);
	for (const [name, value] of Object.entries({ "role": "region", "tabindex": "0", "aria-label": "List of workers, those in trouble first" }))
		is ? box.setAttribute(name, value) : box.removeAttribute(name);
}

const RANKS = { bad: 0, warn: 1 };
const rankOf = (w) => RANKS[STATES[w.state]] ?? 2;

function showWorkers(s) {
	const list = [...(s.workers ?? [])];
	if (list.length > MANY) list.sort((a, b) => rankOf(a) - rankOf(b) || a.slot - b.slot);
	scrolls($("workers-box"), list.length > MANY);
	keyed($("pips"), s.workers ?? [], (w) => w.slot, () => make("i"), (pip, w) => mark(pip, "class", STATES[w.state] ?? "info"));
	keyed($("rows"), list, (w) => w.slot, newRow, (tr, w) => showRow(w, s));
	if (rows.size <= list.length) return;
	const there = new Set(list.map((w) => w.slot));
	for (const [slot, r] of rows)
		if (!there.has(slot)) {
			watcher.unobserve(r.tr);
			inView.delete(r.tr);
			rows.delete(slot);
			cpu.delete(slot);
		}
}

function showSidecars(s) {
	$("beside").hidden = !s.sidecars?.length;
	keyed($("sidecars"), s.sidecars ?? [], (c) => c.name, () => make("li", {}, make("b"), make("span"), make("span")), (li, c) => {
		put(li.children[0], c.name);
		put(li.children[1], `${c.state} for ${age(c.uptime_s)}`);
		put(li.children[2], [c.pid ? bytes(c.rss_b) : "", c.starts > 1 ? plural(c.starts - 1, "restart") : ""].filter(Boolean).join(", "));
	});
}

// ---- the dead

let allDeaths = false;
const idOf = (d) => `${d.slot}-${d.pid}`;

function newDeath() {
	return make("li", {}, make("div", { className: "head" }, make("span", { className: "ago" }), make("b"), make("span")));
}

function showDeaths(s) {
	const list = s.deaths ?? [];
	$("no-deaths").hidden = list.length > 0;
	const shown = allDeaths ? list : list.slice(0, DEATHS);
	$("more-deaths").hidden = list.length <= DEATHS;
	put($("more-deaths"), allDeaths ? "Show fewer" : `Show all ${list.length}`);
	keyed($("deaths"), shown, idOf, newDeath, (li, d) => {
		const [ago, who, why] = li.firstChild.children;
		put(ago, `${age(d.ago_s)} ago`);
		put(who, `Worker ${d.slot}`);
		put(why, d.text ?? d.reason);
		showWords(li, words.get(idOf(d)), d === list[0]);
	});
}

// What it said last, unfolded for the newest
function showWords(li, lines, isNewest) {
	if (!lines) {
		if (li.children[1]) li.children[1].remove();
		return;
	}
	const there = li.children[1];
	if (there && !isNewest && there.dataset.unasked) {
		there.open = false;
		delete there.dataset.unasked;
	}
	if (there) return;
	const pre = make("pre", { tabIndex: 0, ariaLabel: "Last lines of stderr" }, lines.length ? lines.join("\n") : "(it said nothing on stderr)");
	const details = make("details", { open: isNewest }, make("summary", {}, "Last words on stderr"), pre);
	if (isNewest) details.dataset.unasked = "yes";
	li.append(details);
}

async function askDeaths() {
	wordsFor = status?.worker_ends ?? -1;
	try {
		const { deaths } = await ask("deaths");
		words = new Map(deaths.filter((d) => d.words).map((d) => [idOf(d), d.words]));
	} catch {
		wordsFor = -1;
		return;
	}
	if (status) showDeaths(status);
}

// ---- settings

let settings = [];
async function askSettings() {
	try {
		({ settings } = await ask("settings"));
	} catch (err) {
		put($("settings-note"), err.message);
		return;
	}
	showSettings();
}

const isSet = (x) => x.origin !== "default" && x.origin !== "not set";

function showSettings() {
	const all = $("defaults").checked;
	const list = settings.filter((x) => all || isSet(x));
	const hidden = list.some((x) => x.hidden);
	put($("settings-note"), `${settings.filter(isSet).length} of ${settings.length} are set.${hidden ? access.authorised ? " Secrets are not shown." : " Texts and addresses are shown with the token." : ""}`);
	keyed($("setting-rows"), list, (x) => x.name, () => make("tr", { role: "row" }, make("th", { role: "rowheader", scope: "row" }), make("td", { role: "cell" }), make("td", { role: "cell" })), (tr, x) => {
		put(tr.children[0], x.name);
		put(tr.children[1], x.hidden ? "(hidden)" : x.value === "" || x.value === null ? "(empty)" : x.value);
		mark(tr.children[1], "class", x.hidden || !x.value ? "quiet" : "");
		put(tr.children[2], x.origin);
		mark(tr.children[2], "class", isSet(x) ? "" : "quiet");
	});
}

// ---- the token, and what it is for

const TOKEN = "sioinit-token";
let token = "";
try {
	token = sessionStorage.getItem(TOKEN) ?? "";
} catch {} // no storage: it is asked for again after a reload of the page

function keepToken(value) {
	token = value;
	try {
		value ? sessionStorage.setItem(TOKEN, value) : sessionStorage.removeItem(TOKEN);
	} catch {}
}

async function ask(path, method = "GET") {
	const response = await fetch(path, { method, headers: token ? { Authorization: `Bearer ${token}` } : {}, cache: "no-store", credentials: "omit" });
	const text = await response.text();
	let answer;
	try {
		answer = JSON.parse(text);
	} catch {
		answer = { text: text.trim() };
	}
	if (response.ok) return answer;
	throw Object.assign(new Error(answer.text || `sioinit says ${response.status}`), { status: response.status });
}

async function askAccess() {
	access = await ask("access");
	if (!access.authorised) keepToken("");
	showAccess();
}

function showAccess() {
	put($("locked"), access.authorised ? "" : access.token_set ? "What changes the service needs the token (SIOINIT_ADMIN_TOKEN)." : "Off. With SIOINIT_ADMIN_TOKEN set, workers can be reloaded, restarted and scaled from here; from a shell: sioinit reload, restart, scale, drain.");
	$("unlock").hidden = access.authorised || !access.token_set;
	$("actions").hidden = !access.authorised;
	if (status && !document.hidden) show();
}

// All that is read anew when the rights or the sioinit that answers may have changed
async function askAll() {
	try {
		await askAccess();
		await askDeaths();
		if ($("settings").open) await askSettings();
	} catch {} // no answer is said by the stream
}

// Asks in a dialog. decide(value) does it and may throw what is then shown there.
let decide;
function askPerson({ title, text, yes, danger, label, input, then }) {
	decide = then;
	put($("ask-title"), title);
	put($("ask-text"), text);
	put($("ask-yes"), yes);
	put($("ask-wrong"), "");
	$("ask-yes").className = danger ? "danger" : "";
	$("ask-field").hidden = !label;
	$("ask-input").required = Boolean(label);
	$("ask-input").disabled = !label;
	put($("ask-label"), label ?? "");
	Object.assign($("ask-input"), { type: "text", min: "", max: "", value: "", autocomplete: "off", oninput: null }, input);
	$("ask").showModal();
	if (label) $("ask-input").select();
}

$("ask-form").addEventListener("submit", async (e) => {
	e.preventDefault();
	$("ask-yes").disabled = true;
	try {
		await decide($("ask-input").value);
		$("ask").close();
	} catch (err) {
		put($("ask-wrong"), err.message);
	} finally {
		$("ask-yes").disabled = false;
	}
});
$("ask-no").addEventListener("click", () => $("ask").close());

$("unlock").addEventListener("click", () =>
	askPerson({
		title: "The token",
		text: "SIOINIT_ADMIN_TOKEN of this sioinit. It is kept until this tab is closed.",
		yes: "Unlock",
		label: "Token",
		input: { type: "password" },
		then: async (value) => {
			token = value;
			try {
				await askAccess();
			} catch (err) {
				token = "";
				throw err;
			}
			if (!access.authorised) throw new Error("This is not the token.");
			keepToken(value);
			askAll();
		},
	}),
);
$("lock").addEventListener("click", () => {
	keepToken("");
	words.clear();
	askAll();
});

function scaleText(to) {
	const from = status.workers_wanted;
	if (!(to >= 1)) return "How many workers are to run?";
	if (to > from) return `${plural(to - from, "worker")} more will be started: ${to} instead of ${from}.`;
	if (to < from) return `${plural(from - to, "worker")} will be stopped: ${to} instead of ${from}. Their clients are moved to the others over the drain time.`;
	return `${plural(from, "worker")} run now.`;
}

const ACTS = {
	reload: () => ({
		title: `Reload ${status.workers_wanted === 1 ? "the worker" : `all ${plural(status.workers_wanted, "worker")}`}?`,
		text: "One after the other gets a successor with the app as it is on disk now; when that is ready the old one lets its clients go over the drain time and stops. If a successor fails, the reload ends and the old ones stay.",
		yes: "Reload",
		said: "The reload has begun; how it goes on is told under the verdict.",
		path: () => "reload",
	}),
	restart: (slot) => {
		const w = status.workers.find((x) => x.slot === slot);
		return {
			title: `Restart worker ${slot}?`,
			text: `It gets a successor, and its ${plural(w?.sessions ?? 0, "session")} and ${plural(w?.sockets ?? 0, "socket")} are let go over the drain time: those clients connect again, to any worker. The other workers are not touched.`,
			yes: `Restart worker ${slot}`,
			path: () => `restart/${slot}`,
		};
	},
	scale: () => ({
		title: "Scale",
		text: scaleText(status.workers_wanted),
		yes: "Scale",
		label: "Workers",
		input: { type: "number", min: "1", max: "1024", value: status.workers_wanted, oninput: (e) => put($("ask-text"), scaleText(e.target.valueAsNumber)) },
		path: (n) => `scale/${Number(n)}`,
	}),
	rebalance: () => ({
		title: "Rebalance the sockets?",
		text: "Workers that hold more than their share of the sockets close what is above it, over the drain time. Those clients connect again, to the other workers.",
		yes: "Rebalance",
		path: () => "rebalance",
	}),
	drain: () => ({
		title: "Take this sioinit out of traffic?",
		text: "/readyz answers 503 from now on, so balancers and Kubernetes send no new clients here. Those who are here are served as before, until you take traffic again.",
		yes: "Drain",
		danger: true,
		path: () => "drain",
	}),
	undrain: () => ({ title: "Take traffic again?", text: "/readyz answers 200 again as long as a worker is ready, and new clients come.", yes: "Take traffic", path: () => "drain/off" }),
};

function actOn(name, arg) {
	if (!status || lost) return say("Not now: sioinit does not answer.", true);
	const a = ACTS[name](arg);
	askPerson({
		...a,
		then: async (value) => {
			try {
				const { text } = await ask(`actions/${a.path(value)}`, "POST");
				say(a.said ?? sentence(text || "done"));
			} catch (err) {
				if (err.status === 401 || err.status === 403) askAll();
				throw err;
			}
		},
	});
}

function say(text, isBad) {
	$("said").className = isBad ? "bad" : "";
	put($("said"), text);
}

for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => actOn(button.dataset.act));
$("more-deaths").addEventListener("click", () => {
	allDeaths = !allDeaths;
	showDeaths(status);
});
$("settings").addEventListener("toggle", () => $("settings").open && askSettings());
$("defaults").addEventListener("change", showSettings);

// ---- all of it, once a second

function showLink() {
	mark(root, "data-link", lost ? "lost" : status ? "live" : "wait");
	put($("link-text"), lost ? (status ? `lost; as of ${clock(status.now_ms)}` : "no answer") : status ? "live" : "connecting");
}

function show() {
	const s = status;
	put($("host"), s.host ?? "");
	put($("facts"), [`up ${age(s.uptime_s)}`, s.version && `version ${s.version}`].filter(Boolean).join(" \u00b7 "));
	showLink();
	showVerdict(verdict(s));
	showProgress(s);
	showNumbers(s);
	for (const chart of CHARTS) showChart(chart);
	showWorkers(s);
	showSidecars(s);
	showDeaths(s);
	const held = s.drain?.stage === "held";
	document.querySelector("[data-act=drain]").hidden = held;
	document.querySelector("[data-act=undrain]").hidden = !held;
	if (wordsFor !== s.worker_ends) askDeaths();
}

function showLost() {
	const v = verdict(status);
	showTab(v, status);
	if (document.hidden) return;
	showLink();
	showVerdict(v);
	$("progress").hidden = true;
	if (status) CHARTS.forEach(showChart);
}

function hear(s) {
	status = s;
	heardAt = performance.now();
	lost = false;
	learn(s);
	showTab(verdict(s), s);
	if (!document.hidden) show();
}

let stream;
function listen() {
	stream?.close();
	stream = new EventSource("events");
	stream.addEventListener("open", askAll);
	stream.addEventListener("status", (e) => hear(JSON.parse(e.data)));
	stream.addEventListener("error", () => {
		if (stream.readyState === EventSource.CLOSED) return; // something answers
		lost = true;
		showLost();
	});
}

// Where there are too many viewers, or a proxy lets no stream through, /status is asked instead
let asked = 0;
async function askStatus() {
	try {
		hear(await ask("status"));
		if (asked++ % 30 === 0) askAll();
	} catch {} // that is seen by the silence
}

let askedAt = performance.now();
heardAt = askedAt;
listen();
setInterval(() => {
	const now = performance.now();
	const silent = now - heardAt;
	if (silent > LOST_MS) {
		lost = true;
		showLost();
	}
	if (now - askedAt < 950) return;
	if (stream.readyState === EventSource.CLOSED) {
		askedAt = now;
		if (asked % 30 === 29 || lost) listen();
		askStatus();
	} else if (silent > HUNG_MS && now - askedAt > HUNG_MS) {
		askedAt = now;
		listen();
	}
}, 500);
document.addEventListener("visibilitychange", () => !document.hidden && status && (lost ? showLost() : show()));
