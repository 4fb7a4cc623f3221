// A Grafana dashboard as HTML, without Grafana: the panels of its JSON in their places, with what Prometheus has answered. It knows
// what this dashboard uses of Grafana: stat, timeseries, heatmap and state-timeline.
const { written, ticks } = require("./units");

const WIDTH = 1560, CELL = 30, GAP = 8;
const named = { red: "#F2495C", orange: "#FF9830", yellow: "#FADE2A", green: "#73BF69", blue: "#5794F2", text: "#8E8E99" };
const palette = ["#73BF69", "#F2CC0C", "#5794F2", "#FF780A", "#F2495C", "#B877D9", "#8AB8FF", "#96D98D", "#FFA6B0"];
const escape = (text) => String(text).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
const px = (x) => Math.round(x * 10) / 10;
const clock = (t) => new Date(t * 1000).toISOString().slice(11, 16);

const overrides = (panel, name) => Object.fromEntries(panel.fieldConfig.overrides.filter((o) => o.matcher.options === name).flatMap((o) => o.properties.map((p) => [p.id, p.value])));
const colored = (panel, name, i) => named[overrides(panel, name).color?.fixedColor] ?? palette[i % palette.length];
const byThreshold = (panel, value) => named[panel.fieldConfig.defaults.thresholds.steps.findLast((s) => s.value === null || value >= s.value).color];
const mapped = (panel, value) => panel.fieldConfig.defaults.mappings[0]?.options[value];
const text = (panel, value) => mapped(panel, value)?.text ?? written(value, panel.fieldConfig.defaults);
const last = (series) => series.values.at(-1)[1];

// where a time and a value are in the chart
function scales({ start, end }, box, top) {
	return { x: (t) => px(box.left + ((t - start) / (end - start)) * box.width), y: (v) => px(box.top + box.height * (1 - Math.min(v / top, 1))) };
}

function axes(panel, span, box, marks, { x, y }) {
	const { unit } = panel.fieldConfig.defaults;
	const lines = marks.map((v) => `<line x1="${box.left}" x2="${box.left + box.width}" y1="${y(v)}" y2="${y(v)}" class="grid"/><text x="${box.left - 6}" y="${y(v) + 4}" text-anchor="end">${written(v, { unit })}</text>`);
	return lines.join("") + times(span, box, x);
}

function times({ start, end }, box, x) {
	const first = Math.ceil(start / 60) * 60;
	const step = 60 * Math.max(1, Math.ceil((end - start) / 60 / 5));
	let out = "";
	for (let t = first; t < end; t += step) out += `<line x1="${x(t)}" x2="${x(t)}" y1="${box.top}" y2="${box.top + box.height}" class="grid"/><text x="${x(t)}" y="${box.top + box.height + 16}" text-anchor="middle">${clock(t)}</text>`;
	return out;
}

// A series in pieces: where nothing was heard, there is a gap.
function pieces(values, step) {
	const list = [];
	for (const point of values) {
		if (list.length && point[0] - list.at(-1).at(-1)[0] <= step * 1.5) list.at(-1).push(point);
		else list.push([point]);
	}
	return list;
}

function lineOf(panel, series, i, step, { x, y }, below) {
	const { custom } = panel.fieldConfig.defaults;
	const own = overrides(panel, series.name);
	const color = colored(panel, series.name, i);
	const fill = own["custom.fillOpacity"] ?? custom.fillOpacity;
	const dash = own["custom.lineStyle"] ? ' stroke-dasharray="8 6"' : "";
	const line = `stroke="${color}" stroke-width="${custom.lineWidth * 1.3}"${dash}`;
	return pieces(series.values, step).map((part) => {
		const upper = part.map(([t, v]) => `${x(t)},${y(v + below(t))}`);
		const lower = part.map(([t]) => `${x(t)},${y(below(t))}`).reverse();
		return `${fill ? `<polygon points="${[...upper, ...lower].join(" ")}" fill="${color}" fill-opacity="${fill / 100}"/>` : ""}${part.length === 1 ? `<circle cx="${x(part[0][0])}" cy="${y(part[0][1])}" r="2.5" fill="${color}"/>` : `<polyline points="${upper.join(" ")}" fill="none" ${line}/>`}`;
	}).join("");
}

function barsOf(panel, series, i, step, { x, y }, below) {
	const width = px((x(step) - x(0)) * 0.7);
	const color = colored(panel, series.name, i);
	return series.values.map(([t, v]) => `<rect x="${px(x(t) - width / 2)}" y="${y(v + below(t))}" width="${width}" height="${px(y(below(t)) - y(v + below(t)))}" fill="${color}" fill-opacity="0.8"/>`).join("");
}

const marked = (marks, box, { x }) =>
	marks.map(({ t, color }) => `<line x1="${x(t)}" x2="${x(t)}" y1="${box.top}" y2="${box.top + box.height}" stroke="${named[color]}" stroke-dasharray="3 3" stroke-opacity="0.8"/><path d="M${x(t) - 4},${box.top + box.height + 5}h8l-4,-5z" fill="${named[color]}"/>`).join("");

function threshold(panel, box, top, { y }) {
	if (panel.fieldConfig.defaults.custom.thresholdsStyle.mode === "off") return "";
	return panel.fieldConfig.defaults.thresholds.steps.filter((s) => s.value && s.value <= top).map((s) => `<line x1="${box.left}" x2="${box.left + box.width}" y1="${y(s.value)}" y2="${y(s.value)}" stroke="${named[s.color]}" stroke-dasharray="8 6" stroke-opacity="0.7"/>`).join("");
}

function legend(entries, width) {
	const shown = entries.map(({ color, label, value }) => `<span><i style="background:${color}"></i>${escape(label)}${value === undefined ? "" : ` <b>${value}</b>`}</span>`).join("");
	let used = 0, n = 1;
	for (const { label, value = "" } of entries) {
		const w = 34 + 6.1 * (label.length + String(value).length);
		if (used + w > width) [used, n] = [0, n + 1];
		used += w;
	}
	return { html: `<div class="legend">${shown}</div>`, height: 8 + 18 * Math.min(n, 3) };
}

const svg = (width, height, content) => `<svg width="${width}" height="${height}">${content}</svg>`;
const nothing = (panel) => `<p class="nothing">${escape(panel.fieldConfig.defaults.noValue)}</p>`;

function timeseries(panel, { series, step }, span, marks, width, height) {
	if (!series.length) return nothing(panel);
	const { custom, unit } = panel.fieldConfig.defaults;
	const below = series.map(() => new Map());
	const sums = new Map();
	series.forEach((s, i) => s.values.forEach(([t, v]) => {
		below[i].set(t, custom.stacking.mode === "normal" ? sums.get(t) ?? 0 : 0);
		sums.set(t, below[i].get(t) + v);
	}));
	const highest = Math.max(...series.flatMap((s, i) => s.values.map(([t, v]) => v + below[i].get(t))));
	const up = ticks(highest * 1.02 || 1, unit);
	const { html, height: legendHeight } = legend(series.map((s, i) => ({ color: colored(panel, s.name, i), label: s.name, value: custom.drawStyle === "bars" ? undefined : text(panel, last(s)) })), width);
	const left = 16 + 6.3 * Math.max(...up.map((v) => written(v, { unit }).length));
	const box = { left, top: 6, width: width - left - 8, height: height - legendHeight - 32 };
	const at = scales(span, box, up.at(-1));
	const draw = custom.drawStyle === "bars" ? barsOf : lineOf;
	const drawn = series.map((s, i) => draw(panel, s, i, step, at, (t) => below[i].get(t)));
	return svg(width, height - legendHeight, axes(panel, span, box, up, at) + drawn.join("") + threshold(panel, box, up.at(-1), at) + marked(marks, box, at)) + html;
}

// cumulative by `le` to one by one
function cells(series) {
	const sorted = [...series].sort((a, b) => (a.name === "+Inf" ? 1 : b.name === "+Inf" ? -1 : a.name - b.name));
	return sorted.map((s, i) => {
		const under = new Map(i ? sorted[i - 1].values : []);
		return { name: s.name, values: s.values.map(([t, v]) => [t, v - (under.get(t) ?? 0)]) };
	});
}

function shade(part) {
	const [from, to] = [[255, 235, 215], [150, 45, 5]];
	return `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * (1 - part))).join()})`;
}

function heatmap(panel, { series, step }, span, marks, width, height) {
	if (!series.length) return nothing(panel);
	const rows = cells(series);
	const label = ({ name }) => (name === "+Inf" ? "+Inf" : written(Number(name), { unit: panel.options.yAxis.unit }));
	const box = { left: 60, top: 6, width: width - 68, height: height - 38 };
	const { x } = scales(span, box, 1);
	const most = Math.max(...rows.flatMap((r) => r.values.map(([, v]) => v)));
	const tall = box.height / rows.length;
	const wide = px(x(step) - x(0));
	const drawn = rows.map((r, i) => {
		const y = px(box.top + box.height - (i + 1) * tall);
		const name = i % 2 ? "" : `<text x="${box.left - 6}" y="${px(y + tall / 2 + 4)}" text-anchor="end">${label(r)}</text>`;
		return name + r.values.filter(([, v]) => v > 0.01).map(([t, v]) => `<rect x="${x(t)}" y="${y}" width="${wide}" height="${px(tall - 1)}" fill="${shade(Math.sqrt(v / most))}"/>`).join("");
	});
	return svg(width, height, times(span, box, x) + drawn.join(""));
}

// Neighbours that are the same become one.
function merged(values, step) {
	const list = [];
	for (const [t, v] of values) {
		if (list.at(-1)?.v === v && t - list.at(-1).to < 0.1) list.at(-1).to = t + step;
		else list.push({ from: t, to: t + step, v });
	}
	return list;
}

function timeline(panel, { series, step }, span, marks, width, height) {
	if (!series.length) return nothing(panel);
	const { html, height: legendHeight } = legend(Object.values(panel.fieldConfig.defaults.mappings[0].options).map((o) => ({ color: named[o.color], label: o.text })), width);
	const left = 16 + 6.3 * Math.max(...series.map((s) => s.name.length));
	const box = { left, top: 6, width: width - left - 8, height: height - legendHeight - 32 };
	const { x } = scales(span, box, 1);
	const tall = box.height / series.length;
	const drawn = series.map((s, i) => {
		const y = px(box.top + i * tall + tall * 0.1);
		return `<text x="${left - 8}" y="${px(y + tall * 0.4 + 4)}" text-anchor="end">${escape(s.name)}</text>` + merged(s.values, step).map(({ from, to, v }) => `<rect x="${x(from)}" y="${y}" width="${px(x(Math.min(to, span.end)) - x(from))}" height="${px(tall * 0.8)}" fill="${named[mapped(panel, v).color]}" fill-opacity="0.7"/>`).join("");
	});
	return svg(width, height - legendHeight, times(span, box, x) + drawn.join("")) + html;
}

function stat(panel, { series, step }, span, marks, width, height) {
	if (!series.length) return nothing(panel);
	const value = (s) => `<div style="color:${panel.options.colorMode === "background" ? "#fff" : byThreshold(panel, last(s))}">${panel.options.textMode === "value_and_name" ? `<small>${s.name}</small>` : ""}${escape(text(panel, last(s)))}</div>`;
	const top = Math.max(...series[0].values.map(([, v]) => v)) * 1.1 || 1;
	const at = scales(span, { left: 0, top: height * 0.55, width, height: height * 0.45 }, top);
	const spark = panel.options.graphMode === "area" ? svg(width, height, lineOf({ fieldConfig: { defaults: { custom: { fillOpacity: 20, lineWidth: 1 } }, overrides: [{ matcher: { options: series[0].name }, properties: [{ id: "color", value: { fixedColor: "green" } }] }] } }, series[0], 0, step, at, () => 0)) : "";
	return `${spark}<div class="stat">${series.map(value).join("")}</div>`;
}

const kinds = { timeseries, heatmap, stat, "state-timeline": timeline };

function placed({ gridPos: { x, y, w, h } }) {
	const column = (WIDTH + GAP) / 24;
	return { left: x * column, top: y * (CELL + GAP), width: w * column - GAP, height: h * (CELL + GAP) - GAP };
}

function panelOf(panel, answer, span, marks) {
	const { left, top, width, height } = placed(panel);
	const place = `left:${px(left)}px;top:${top}px;width:${px(width)}px;height:${height}px`;
	if (panel.type === "row") return `<h2 style="${place}">⌄ ${escape(panel.title)}</h2>`;
	const filled = panel.options.colorMode === "background" && answer.series.length ? `;background:${byThreshold(panel, last(answer.series[0]))}` : "";
	return `<section class="${panel.type}" style="${place}${filled}"><h3>${escape(panel.title)}</h3>${kinds[panel.type](panel, answer, span, marks, Math.floor(width) - 10, height - 36)}</section>`;
}

const style = `
	* { box-sizing: border-box; margin: 0; }
	body { width: ${WIDTH + 32}px; padding: 0 16px; background: #111217; color: #CCCCDC; font: 12px "DejaVu Sans", sans-serif; }
	header { display: flex; gap: 8px; align-items: center; height: 56px; }
	header b { font-size: 17px; margin-right: 16px; }
	header span { border: 1px solid #2c2f36; border-radius: 2px; padding: 5px 9px; background: #181B1F; }
	header span i { color: #6E9FFF; font-style: normal; margin-right: 7px; }
	header span:last-child { margin-left: auto; }
	main { position: relative; }
	h2, section { position: absolute; }
	h2 { font-size: 14px; font-weight: 600; line-height: 30px; }
	section { background: #181B1F; border: 1px solid #25272c; border-radius: 2px; padding: 0 4px; overflow: hidden; }
	h3 { font-size: 12.5px; font-weight: 600; padding: 8px 5px 6px; height: 32px; }
	svg { display: block; }
	svg text { fill: #9b9ba8; font-size: 10.5px; }
	.grid { stroke: #ccccdc; stroke-opacity: 0.07; }
	.legend { display: flex; flex-wrap: wrap; gap: 0 14px; padding: 4px 6px; line-height: 18px; max-height: 62px; overflow: hidden; font-size: 11px; white-space: nowrap; }
	.legend i { display: inline-block; width: 12px; height: 4px; border-radius: 2px; margin: 0 6px 3px 0; }
	.legend b { font-weight: 400; color: #9b9ba8; margin-left: 4px; }
	.nothing { position: absolute; inset: 32px 0 0; display: flex; align-items: center; justify-content: center; color: #9b9ba8; font-size: 15px; }
	.stat { position: relative; }
	.stat svg { position: absolute; left: 0; bottom: 0; }
	.stat .stat { position: absolute; inset: 30px 0 26px; display: flex; justify-content: space-evenly; align-items: center; font-size: 25px; font-weight: 600; white-space: nowrap; text-shadow: 0 0 3px #0008; }
	section.stat { position: absolute; }
	small { display: block; font-size: 11px; font-weight: 400; color: #CCCCDC; }
`;

// @answers: by the panel's id { series: [{ name, values: [[t, number]] }], step }; @chosen: by the variable's name what is chosen;
// @marks: [{ t, color }] of the annotations.
function html(dashboard, answers, span, marks, chosen) {
	const variables = dashboard.templating.list.map((v) => `<span><i>${escape(v.label)}</i>${escape(chosen[v.name])}</span>`).join("");
	const panels = dashboard.panels.map((p) => panelOf(p, answers.get(p.id), span, marks)).join("\n");
	const bottom = Math.max(...dashboard.panels.map((p) => placed(p).top + placed(p).height));
	return `<!doctype html><meta charset="utf-8"><title>${escape(dashboard.title)}</title><style>${style}</style>
<header><b>${escape(dashboard.title)}</b>${variables}<span>${clock(span.start)} to ${clock(span.end)}</span></header><main style="height:${bottom + 16}px">${panels}</main>`;
}

module.exports = { html };
