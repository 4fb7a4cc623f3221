// A PNG of Chromium's with a palette of 256 colours in place of 16 million, which is half as large. Chromium's are not interlaced, with 8 bits.
const zlib = require("zlib");

function chunks(png) {
	const list = [];
	for (let at = 8; at < png.length; ) {
		const length = png.readUInt32BE(at);
		list.push({ type: png.toString("latin1", at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
		at += 12 + length;
	}
	return list;
}

function paeth(a, b, c) {
	const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
	return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}
const guesses = [() => 0, (a) => a, (a, b) => b, (a, b) => (a + b) >> 1, paeth];

// The bytes of all rows, without what stands in front of each: how it was guessed from its neighbours.
function unfiltered(data, stride, depth) {
	const rows = Buffer.alloc((data.length / (stride + 1)) * stride);
	for (let from = 0, to = 0; to < rows.length; from += stride + 1, to += stride) {
		const guess = guesses[data[from]];
		for (let i = 0; i < stride; i++) {
			const left = i >= depth, above = to > 0;
			const a = left ? rows[to + i - depth] : 0, b = above ? rows[to + i - stride] : 0, c = left && above ? rows[to + i - stride - depth] : 0;
			rows[to + i] = data[from + 1 + i] + guess(a, b, c);
		}
	}
	return rows;
}

// The 256 that are there most often, of colours that are told apart by 5 bits each
function paletteOf(pixels, depth) {
	const seen = new Map();
	for (let i = 0; i < pixels.length; i += depth) {
		const key = ((pixels[i] >> 3) << 10) | ((pixels[i + 1] >> 3) << 5) | (pixels[i + 2] >> 3);
		const one = seen.get(key) ?? { n: 0, colors: new Map() };
		const color = (pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2];
		one.n++;
		one.colors.set(color, (one.colors.get(color) ?? 0) + 1);
		seen.set(key, one);
	}
	const often = [...seen.values()].sort((x, y) => y.n - x.n).slice(0, 256);
	return often.map(({ colors }) => [...colors].sort((x, y) => y[1] - x[1])[0][0]);
}

const distance = (a, b) => [16, 8, 0].reduce((sum, bits) => sum + (((a >> bits) & 255) - ((b >> bits) & 255)) ** 2, 0);

function indexed(pixels, depth, width, palette) {
	const known = new Map();
	const nearest = (color) => palette.reduce((best, c, i) => (distance(c, color) < distance(palette[best], color) ? i : best), 0);
	const height = pixels.length / depth / width;
	const out = Buffer.alloc(height * (width + 1));
	for (let i = 0, at = 0; i < pixels.length; i += depth) {
		if ((i / depth) % width === 0) at++;
		const color = (pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2];
		if (!known.has(color)) known.set(color, nearest(color));
		out[at++] = known.get(color);
	}
	return out;
}

const table = Array.from({ length: 256 }, (_, n) => {
	for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
	return n;
});
const crc = (bytes) => ~bytes.reduce((c, b) => table[(c ^ b) & 255] ^ (c >>> 8), -1) >>> 0;

function chunk(type, data) {
	const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
	const out = Buffer.alloc(body.length + 8);
	out.writeUInt32BE(data.length);
	body.copy(out, 4);
	out.writeUInt32BE(crc(body), body.length + 4);
	return out;
}

function withPalette(png) {
	const all = chunks(png);
	const head = Buffer.from(all[0].data);
	const width = head.readUInt32BE(0);
	const depth = head[9] === 6 ? 4 : 3; // with or without transparency
	const pixels = unfiltered(zlib.inflateSync(Buffer.concat(all.filter((c) => c.type === "IDAT").map((c) => c.data))), width * depth, depth);
	const palette = paletteOf(pixels, depth);
	head[9] = 3;
	const colors = Buffer.from(palette.flatMap((c) => [c >> 16, (c >> 8) & 255, c & 255]));
	const data = zlib.deflateSync(indexed(pixels, depth, width, palette), { level: 9 });
	return Buffer.concat([png.subarray(0, 8), chunk("IHDR", head), chunk("PLTE", colors), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

module.exports = { withPalette };
