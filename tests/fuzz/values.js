// A worker's frames as Node itself reads and writes them, and values of every kind to put into them.
const v8 = require("node:v8");

const VIEW = 0, OBJECT = 1; // lib/internal/child_process/serialization.js

class Reader extends v8.DefaultDeserializer {
	_readHostObject() {
		const kind = this.readUint32();
		if (kind === VIEW) return super._readHostObject();
		if (kind === OBJECT) return this.readValue();
		throw new Error("unknown host object");
	}
}

class Writer extends v8.DefaultSerializer {
	_writeHostObject(object) {
		this.writeUint32(ArrayBuffer.isView(object) ? VIEW : OBJECT);
		if (ArrayBuffer.isView(object)) super._writeHostObject(object);
		else this.writeValue({ ...object });
	}
}

// The value, or a throw where Node would end the process.
function read(mode, payload) {
	if (mode === "json") return JSON.parse(payload.toString());
	const reader = new Reader(payload);
	reader.readHeader();
	return reader.readValue();
}

function write(mode, value) {
	if (mode === "json") return Buffer.from(JSON.stringify(value));
	const writer = new Writer();
	writer.writeHeader();
	writer.writeValue(value);
	return writer.releaseBuffer();
}

// The payloads of whole frames.
function split(mode, stream) {
	const payloads = [];
	for (let at = 0; at < stream.length; ) {
		const line = stream.indexOf("\n", at);
		const start = mode === "json" ? at : at + 4;
		const end = mode === "json" ? line : start + (start <= stream.length ? stream.readUInt32BE(at) : Infinity);
		if (end < start || end > stream.length) break;
		payloads.push(stream.subarray(start, end));
		at = mode === "json" ? end + 1 : end;
	}
	return payloads;
}

// What a message is made of: names and types, and the values of the few names that tell what it is.
function shapeOf(value, name = "", seen = []) {
	if (["cmd", "act", "type", "addressType"].includes(name)) return String(value);
	if (name === "" && typeof value === "string") return value;
	if (typeof value !== "object" || value === null || seen.includes(value)) return value === null ? "null" : typeof value;
	const members = Object.keys(value).map((key) => `${key}:${shapeOf(value[key], key, [...seen, value])}`);
	return `${Object.prototype.toString.call(value)}{${members}}`;
}

const cyclic = () => {
	const o = { a: 1 };
	o.self = o;
	return o;
};

const sparse = () => {
	const a = [];
	a[5] = 1;
	a.p = 2;
	return a;
};

function* errors() {
	yield new TypeError("x", { cause: new Error("y", { cause: { deep: [1] } }) });
	yield new AggregateError([new Error("1")], "several");
	for (const Kind of [EvalError, RangeError, ReferenceError, SyntaxError, URIError]) yield new Kind("€");
	yield Object.defineProperty(new Error("no stack"), "stack", { value: undefined });
}

function* buffers() {
	const shared = new ArrayBuffer(9);
	yield shared;
	yield [new ArrayBuffer(1), "V", new ArrayBuffer(0), { V: 1 }];
	yield new DataView(shared, 1, 3);
	yield Buffer.from("€");
	yield Buffer.alloc(0);
	for (const Kind of [Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
		BigInt64Array, BigUint64Array]) yield new Kind(2);
	if (shared.sliceToImmutable) yield [shared.sliceToImmutable(1, 3), 1];
	if (shared.resizable === false) yield [new ArrayBuffer(4, { maxByteLength: 8 }), new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 }))];
}

function* plain() {
	yield* [undefined, null, true, false, 0, -0, -1, 63, 64, -65, 2147483647, -2147483648, 2147483648, 0.5, NaN, -Infinity];
	yield* [Number.MAX_SAFE_INTEGER, 1e300, -5n, 0n, 123456789012345678901234567890n];
	yield* ["", "x", "é", "€", "\ud800", "\"\\\n\u0001", "ü".repeat(300), "€".repeat(127) + "a"];
}

function* containers() {
	yield* [[], [1, 2, 3], [1, , 3], new Array(3), sparse(), Object.assign([1], { p: 1 })]; // eslint-disable-line no-sparse-arrays
	yield* [{}, cyclic(), { 5: 1, 4294967295: 2, "-1": 3, "": 4, "€": 5 }, Object.assign(Object.create(null), { z: 1 })];
	yield* [new Map([[{ k: 1 }, new Set([new Map()])]]), new Set(["€"]), new Set()];
	yield (function () {
		return arguments;
	})(1, 2);
}

function* objects() {
	yield* [Object(5n), Object(3), Object("s"), Object("€"), Object(true), Object(false), /a€/giu, /x/, new Date(NaN), new Date(0)];
	yield* [new URL("http://x/y"), new MessageChannel().port1, new Blob(["x"])];
}

// One of every kind that the serializations know, and some they refuse.
function* kinds() {
	yield* plain();
	yield* containers();
	yield* objects();
	yield* errors();
	yield* buffers();
}

module.exports = { read, write, split, shapeOf, kinds };
