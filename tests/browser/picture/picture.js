// node picture.js FOLDER OUT.png...: draws the dashboard of what record.js has left in FOLDER; each further file has the rows after those of
// the one before. A stand-in for Grafana: it reads monitoring/grafana-dashboard.json and asks Prometheus as Grafana does, and draws by itself.
const fs = require("fs");
const path = require("path");
const { chromium } = require("playwright-core");
const { Prometheus, dashboard, filled } = require("../../e2e/prometheus");
const { html } = require("./draw");
const { withPalette } = require("./palette");

const [dir, ...outs] = process.argv.slice(2);
const SCRAPE = 5; // as record.js
const chosen = { datasource: "Prometheus", job: "All", instance: "All", worker: "All" };

const named = (legend, metric) => (legend === "__auto" ? metric.__name__ : legend.replace(/\{\{(\w+)\}\}/g, (whole, label) => metric[label] ?? ""));
const numbers = (values) => values.map(([t, v]) => [t, Number(v)]).filter(([, v]) => Number.isFinite(v));

async function answer(prometheus, { targets, interval }, { start, end }) {
	const step = Math.max(SCRAPE, parseInt(interval ?? 0));
	const aligned = Math.floor(start / step) * step;
	const lists = await Promise.all(targets.map(async ({ expr, legendFormat }) => {
		const series = await prometheus.range(filled(expr, { range: Math.round(end - start), interval: step, scrape: SCRAPE }), aligned, end, step);
		return series.map(({ metric, values }) => ({ name: named(legendFormat, metric), values: numbers(values).filter(([t]) => t >= start) }));
	}));
	return { series: lists.flat().filter((s) => s.values.length), step };
}

// where each annotation begins
async function marksOf(prometheus, { list }, { start, end }) {
	const found = await Promise.all(list.filter((a) => a.expr).map(async ({ expr, iconColor }) => {
		const series = await prometheus.range(filled(expr, { range: 60, interval: SCRAPE, scrape: SCRAPE }), start, end, SCRAPE);
		return series.flatMap(({ values }) => values.filter(([t], i) => i === 0 || t - values[i - 1][0] > SCRAPE).map(([t]) => ({ t, color: iconColor })));
	}));
	return found.flat();
}

// The rows of the dashboard in as many parts as there are files: the first half, the second.
function parts(panels, n) {
	const rows = panels.flatMap((p, i) => (p.type === "row" ? [i] : []));
	const ends = Array.from({ length: n }, (_, i) => panels[rows[Math.ceil(((i + 1) * rows.length) / n)]]?.gridPos.y ?? Infinity);
	return ends.map((end, i) => {
		const begin = i ? ends[i - 1] : 0;
		return panels.filter((p) => p.gridPos.y >= begin && p.gridPos.y < end).map((p) => ({ ...p, gridPos: { ...p.gridPos, y: p.gridPos.y - begin } }));
	});
}

async function main() {
	const board = dashboard();
	const span = JSON.parse(fs.readFileSync(path.join(dir, "span"), "utf8"));
	const prometheus = await Prometheus.start({}, { dir });
	const answers = new Map();
	for (const p of board.panels) if (p.targets) answers.set(p.id, await answer(prometheus, p, span));
	const marks = await marksOf(prometheus, board.annotations, span);
	await prometheus.stop();
	const browser = await chromium.launch({ executablePath: "/usr/bin/chromium-headless-shell", args: ["--no-sandbox"] });
	const page = await browser.newPage({ viewport: { width: 1592, height: 800 }, deviceScaleFactor: 1 });
	for (const [i, panels] of parts(board.panels, outs.length).entries()) {
		await page.setContent(html({ ...board, panels }, answers, span, marks, chosen));
		fs.writeFileSync(outs[i], withPalette(await page.screenshot({ fullPage: true })));
	}
	await browser.close();
}

main();
