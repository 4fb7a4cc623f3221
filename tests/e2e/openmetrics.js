// OpenMetrics 1.0, read strictly: what is no such text is thrown. Returns the families by name: { type, unit, help, samples }.
const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const NUMBER = "[-+]?(?:(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][-+]?\\d+)?|Inf|NaN)|NaN";
const sampleLine = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)?\\})? (${NUMBER})(?: (${NUMBER}))?( # \\{(?:${LABEL}(?:,${LABEL})*)?\\} (?:${NUMBER})(?: (?:${NUMBER}))?)?$`);
const metaLine = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME})(?: (.*))?$`);
const suffixes = { counter: ["_total", "_created"], gauge: [""], unknown: [""], info: ["_info"], stateset: [""], histogram: ["_bucket", "_count", "_sum", "_created"], summary: ["", "_count", "_sum", "_created"] };

const fail = (line, why) => { throw new Error(`${why}: ${line}`); };
const labelsOf = (text = "") => Object.fromEntries([...text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
const exemplarOf = (text) => {
	const [, labels, value, at] = /^ # \{(.*)\} (\S+)(?: (\S+))?$/.exec(text);
	return { labels: labelsOf(labels), value: numberOf(value), at: numberOf(at ?? "NaN") };
};
const numberOf = (text) => Number(text.replace(/Inf$/, "Infinity"));

function describe(families, last, line) {
	const [, what, name, text = ""] = metaLine.exec(line) ?? fail(line, "no comment of OpenMetrics");
	let family = families.get(name);
	if (family && family !== last) fail(line, "a family in two places");
	if (!family) families.set(name, (family = { name, type: "unknown", unit: "", help: "", samples: [], told: new Set() }));
	if (family.samples.length || family.told.has(what)) fail(line, "told twice or too late");
	family.told.add(what);
	family[what.toLowerCase()] = text;
	if (what === "TYPE" && !suffixes[text]) fail(line, "no type of OpenMetrics");
	if (what === "UNIT" && !name.endsWith(`_${text}`)) fail(line, "a unit that is not in the name");
	if (what === "HELP" && /(?:^|[^\\])(?:\\\\)*"/.test(text)) fail(line, "a quote that is not escaped");
	return family;
}

function addSample(family, line) {
	const [, name, labels, value, , exemplar] = sampleLine.exec(line) ?? fail(line, "no sample");
	if (!family || !name.startsWith(family.name) || !suffixes[family.type].includes(name.slice(family.name.length))) fail(line, "not of the family before it");
	if (exemplar && !/_(bucket|total)$/.test(name)) fail(line, "an exemplar where none may be");
	const sample = { name, labels: labelsOf(labels), value: numberOf(value), ...(exemplar && { exemplar: exemplarOf(exemplar) }) };
	if (exemplar && [...Object.entries(sample.exemplar.labels).flat().join("")].length > 128) fail(line, "an exemplar whose labels are too long");
	if (["counter", "histogram"].includes(family.type) && !(sample.value >= 0)) fail(line, "a count below 0");
	if (family.samples.some((s) => s.name === name && JSON.stringify(s.labels) === JSON.stringify(sample.labels))) fail(line, "the same twice");
	family.samples.push(sample);
}

// Of each set of labels: buckets that rise to +Inf, which is the count.
function checkHistogram({ name, samples }) {
	const sets = new Map();
	let bound = -Infinity;
	for (const { name: of, labels: { le, ...rest }, value, exemplar } of samples) {
		if (exemplar && !(exemplar.value > bound && exemplar.value <= numberOf(le))) fail(name, "an exemplar of another bucket");
		bound = of.endsWith("_bucket") && le !== "+Inf" ? numberOf(le) : -Infinity;
		const key = JSON.stringify(rest);
		if (!sets.has(key)) sets.set(key, { buckets: [] });
		if (of.endsWith("_bucket")) sets.get(key).buckets.push([numberOf(le), value]);
		else sets.get(key)[of.slice(name.length)] = value;
	}
	for (const { buckets, _count, _sum } of sets.values()) {
		if (buckets.at(-1)?.[0] !== Infinity || buckets.at(-1)[1] !== _count || _sum === undefined) fail(name, "no +Inf, count or sum");
		buckets.reduce(([le, n], [nextLe, next]) => (nextLe > le && next >= n ? [nextLe, next] : fail(name, "buckets that do not rise")), [-Infinity, 0]);
	}
}

module.exports = function parse(text) {
	const families = new Map();
	const lines = text.split("\n");
	let last;
	if (!text.endsWith("\n# EOF\n")) fail(lines.at(-2), "no end");
	for (const line of lines.slice(0, -2)) {
		if (line.startsWith("#")) last = describe(families, last, line);
		else addSample(last, line);
	}
	for (const family of families.values()) if (family.type === "histogram") checkHistogram(family);
	return families;
};
