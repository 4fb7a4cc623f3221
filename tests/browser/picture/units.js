// Numbers with their units, as Grafana writes them, for the units that the dashboard has.
const decimals = (x) => (Math.abs(x) >= 100 || Number.isInteger(x) ? 0 : Math.abs(x) >= 10 ? 1 : 2);
const plain = (x, digits = decimals(x)) => String(Number(x.toFixed(digits)));

function scaled(x, base, words) {
	let i = 0;
	for (; Math.abs(x) >= base && i < words.length - 1; i++) x /= base;
	return `${plain(x)}${words[i] && ` ${words[i]}`}`;
}

function seconds(x) {
	if (x === 0) return "0 s";
	if (x < 1e-3) return `${plain(x * 1e6)} µs`;
	if (x < 1) return `${plain(x * 1e3)} ms`;
	return x < 60 ? `${plain(x)} s` : `${plain(x / 60)} mins`;
}

const BYTES = ["B", "KiB", "MiB", "GiB"];
const units = {
	short: (x) => scaled(x, 1000, ["", "K", "Mil"]),
	s: seconds,
	bytes: (x) => scaled(x, 1024, BYTES),
	Bps: (x) => `${scaled(x, 1000, ["B", "kB", "MB", "GB"])}/s`,
	percentunit: (x) => `${plain(x * 100)}%`,
	reqps: (x) => `${scaled(x, 1000, ["", "K"])} req/s`,
	mps: (x) => `${scaled(x, 1000, ["", "K"])} msg/s`,
	"suffix: /s": (x) => `${scaled(x, 1000, ["", "K"])} /s`,
};

const written = (x, { unit, decimals: digits }) => units[unit](digits === undefined ? x : Number(x.toFixed(digits)));

// Three to five round numbers from 0 to @top or above.
function ticks(top, unit) {
	const base = unit === "bytes" ? 1024 ** Math.floor(Math.log(top) / Math.log(1024)) : 1;
	const rough = top / base / 4;
	const size = 10 ** Math.floor(Math.log10(rough));
	const step = base * size * [1, 2, 2.5, 5, 10].find((n) => n * size >= rough);
	return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, i) => i * step);
}

module.exports = { written, ticks };
