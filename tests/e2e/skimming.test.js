// What the skimmer finds in a worker's payloads is what Node finds there: the fuzz targets' corpora, random values, and damaged
// ones. Where Node refuses a payload the skimmer may take it (ipc/v8.h says when); never the other way round.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const { spawnSync } = require("node:child_process");
const values = require("../fuzz/values");

const SKIM = path.join(process.env.BUILD_DIR, "skim");
const KEYS = ["type", "uid", "nsp", "source", "requesterUid", "cmd", "act", "seq", "ack", "key", "data"];
const DEPTH_MAX = 1300; // VALUE_DEPTH_MAX
const ROUNDS = 4000;
const MODES = ["json", "advanced"];

function skim(entries) {
	const records = entries.flatMap(({ mode, payload }) => {
		const head = Buffer.alloc(5);
		head[0] = MODES.indexOf(mode);
		head.writeUInt32BE(payload.length, 1);
		return [head, payload];
	});
	const { stdout, status, stderr } = spawnSync(SKIM, { input: Buffer.concat(records), maxBuffer: 1 << 30 });
	assert.strictEqual(status, 0, stderr.toString());
	const lines = stdout.toString().split("\n").slice(0, -1);
	assert.strictEqual(lines.length, entries.length);
	return lines.map((line) => {
		const [result, root, ...found] = line.split(" ");
		return { result: Number(result), root, found: Object.fromEntries(found.map((f) => f.split("="))) };
	});
}

// Runs of U+FFFD are one: how many a malformed sequence makes is a matter of taste.
// as sioinit shows it: a lone surrogate is U+FFFD
const codes = (string) => [...string].map((c) => c.codePointAt(0)).map((c) => (c >= 0xd800 && c <= 0xdfff ? 0xfffd : c).toString(16));
const wellFormed = (list) => list.filter((c, i) => c !== "fffd" || list[i - 1] !== "fffd").join(".");

function ofNode(v) {
	if (v === undefined) return "u";
	if (v === null) return "z";
	if (typeof v === "boolean") return `b${Number(v)}`;
	if (typeof v === "number") return `n${v}`;
	return typeof v === "string" ? `s${wellFormed(codes(v))}` : "object";
}

function ofSkimmer(text) {
	const rest = text.slice(1);
	if (text[0] === "n") return `n${rest.includes("nan") ? NaN : Number(rest.replace("inf", "Infinity"))}`;
	if (text[0] === "s") return `s${wellFormed(rest.split(".").slice(0, -1))}`;
	return "ox".includes(text[0]) ? "object" : text;
}

function depthOf(value, open = new Set()) {
	if (typeof value !== "object" || value === null || open.has(value)) return 0;
	open.add(value);
	const inner = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value]
		: ArrayBuffer.isView(value) ? [] : [...Object.values(value), value instanceof Error && value.cause];
	const depth = 1 + inner.reduce((most, v) => Math.max(most, depthOf(v, open)), 0);
	open.delete(value);
	return depth;
}

function decode({ mode, payload }) {
	try {
		return { value: values.read(mode, payload) };
	} catch (refused) {
		return { refused };
	}
}

// Returns whether both have read it.
function compare(entry, skimmed) {
	const { value, refused } = decode(entry);
	const about = `${entry.name ?? ""} ${entry.mode} ${entry.payload.subarray(0, 4096).toString("hex")}`;
	if (refused) return false;
	if (skimmed.result === -7) assert.ok(depthOf(value) > DEPTH_MAX, `too deep: ${about}`);
	else assert.strictEqual(skimmed.result, 0, `refused: ${about}`);
	if (skimmed.result || skimmed.root !== "o") return skimmed.result === 0;
	for (const key of KEYS) {
		const expected = Object.hasOwn(value, key) ? ofNode(value[key]) : undefined;
		assert.strictEqual(key in skimmed.found ? ofSkimmer(skimmed.found[key]) : undefined, expected, `${key}: ${about}`);
	}
	return true;
}

function compareAll(entries) {
	const skimmed = skim(entries);
	const both = entries.filter((entry, i) => compare(entry, skimmed[i])).length;
	const skimmer = skimmed.filter((s) => s.result === 0).length;
	return { entries: entries.length, both, skimmer };
}

// The corpora

function* corpus() {
	const folder = path.join(__dirname, "../fuzz/corpus/node");
	for (const name of fs.readdirSync(folder)) {
		const bytes = fs.readFileSync(path.join(folder, name));
		const mode = MODES[bytes[0] & 1];
		yield { name, mode, payload: bytes.subarray(1) };
		for (const payload of values.split(mode, bytes.subarray(1))) if (payload.length) yield { name, mode, payload };
	}
}

test("corpora: the skimmer finds what Node finds", (t) => {
	const counts = compareAll([...corpus()]);
	t.diagnostic(JSON.stringify(counts));
	assert.ok(counts.both > 50);
});

// Random values: the same ones in every run

function random(seed) {
	let state = seed;
	return (n) => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) % n;
	};
}

const KINDS = [...values.kinds()];
const STRINGS = ["", "x", "_sio_adapter", "NODE_CLUSTER", "é", "€😀", "\ud83d", "\"\\\n\u0000", "{[]}", "y".repeat(200)];

function randomKey(pick) {
	return pick(2) ? KEYS[pick(KEYS.length)] : [`k${pick(50)}`, String(pick(20)), "€", "", "__proto__ "][pick(5)];
}

function randomMembers(pick, depth, into) {
	for (let n = pick(8); n > 0; n--) into[randomKey(pick)] = randomValue(pick, depth);
	return into;
}

function randomContainer(pick, depth) {
	const items = Array.from({ length: pick(5) }, () => randomValue(pick, depth));
	switch (pick(6)) {
	case 0: return items;
	case 1: return new Map(items.map((item, i) => [i % 2 ? item : `k${i}`, item]));
	case 2: return new Set(items);
	case 3: return new Error("€", { cause: items });
	case 4: return Object.assign([], { [pick(9)]: items, name: items[0] });
	default: return randomMembers(pick, depth, {});
	}
}

function randomValue(pick, depth) {
	switch (pick(depth > 0 ? 6 : 4)) {
	case 0: return pick(1 << 30) - (1 << 29);
	case 1: return STRINGS[pick(STRINGS.length)];
	case 2: return KINDS[pick(KINDS.length)];
	case 3: return [null, true, undefined, 1.5, Buffer.alloc(pick(300), 1)][pick(5)];
	default: return randomContainer(pick, depth - 1);
	}
}

function randomEntry(pick, mode) {
	for (;;) {
		try {
			return { mode, payload: values.write(mode, randomMembers(pick, 5, {})) };
		} catch { /* a value that this serialization refuses */ }
	}
}

const randomEntries = (seed) => {
	const pick = random(seed);
	return Array.from({ length: ROUNDS }, (_, i) => randomEntry(pick, MODES[i % 2]));
};

function damage(pick, { mode, payload }) {
	const damaged = Buffer.from(payload);
	for (let n = 1 + pick(3); n > 0 && damaged.length > 2; n--) {
		const at = 2 + pick(damaged.length - 2);
		damaged[at] = pick(2) ? pick(256) : damaged[pick(damaged.length)];
	}
	return { mode, payload: pick(4) ? damaged : damaged.subarray(0, 1 + pick(damaged.length)) };
}

test("random values: the skimmer finds what Node finds", (t) => {
	const counts = compareAll(randomEntries(20));
	t.diagnostic(JSON.stringify(counts));
	assert.strictEqual(counts.both, ROUNDS);
});

test("damaged values: what Node still reads, the skimmer reads as Node does", (t) => {
	const pick = random(26);
	const counts = compareAll(randomEntries(26).flatMap((entry) => [damage(pick, entry), damage(pick, entry)]));
	t.diagnostic(JSON.stringify(counts));
	assert.ok(counts.both > 0 && counts.both < counts.entries);
});

// Depth

function nested(mode, depth) {
	let value = 1;
	for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
	return { mode, payload: values.write(mode, { type: 3, data: value, uid: "u" }) };
}

test("depth: all that a receiver is sure to stand is read, and nothing else", () => {
	for (const mode of MODES) {
		const skimmed = skim([DEPTH_MAX - 1, DEPTH_MAX].map((depth) => nested(mode, depth)));
		assert.deepStrictEqual(skimmed[0].found, { type: "n3", data: "o", uid: "s75." });
		assert.strictEqual(skimmed[1].result, -7);
	}
});
