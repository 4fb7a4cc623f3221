// Chunked bodies through the router: what arrives is its own framing of the same bytes, both ways.
const test = require("node:test");
const assert = require("node:assert");
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const { start, get, until } = require("./harness");
const { ask } = require("./ask");
const { wire } = require("./wire");
const forms = require("./fixtures/chunks");

const HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const own = { SIOINIT_DISPATCH: "port", SIOINIT_WORKERS: "1" };

async function serving(args, env, use) {
	const s = await start(args, env);
	try {
		await use(s);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

const hex = (text) => Buffer.from(text, "latin1").toString("hex");
const request = (target) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;

test("trailers pass, but for those that have no business there", { timeout: 60000 }, async () => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const diary = path.join(folder, "diary");
	await serving(["--", process.execPath, "recorder.js", "{port}"], { ...own, DIARY: diary }, async ({ port }) => {
		const post = (fields, bytes) => ask(port, diary, { bytes: `POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${fields}\r\n${bytes}`, status: [200] });
		for (const { bytes, body, trailers } of forms.legal) {
			const got = await post("", bytes);
			assert.deepStrictEqual([got.seen, got.trailers, got.wrong], [[`POST /a ${body}`], [trailers], []]);
		}
		// what Connection names ends here: all of them do, as nobody remembers the names
		const named = await post("Connection: X-T\r\n", "4\r\nbody\r\n0\r\nX-T: 1\r\n\r\n");
		assert.deepStrictEqual([named.seen, named.trailers], [["POST /a body"], [""]]);
	});
	fs.rmSync(folder, { recursive: true });
});

test("answers of a worker", { timeout: 120000 }, (t) =>
	serving(["--", process.execPath, "raw.js", "{port}"], own, async ({ port }) => {
		for (const { name, bytes, body, trailers } of forms.legal)
			await t.test(`legal: ${name}`, async () => {
				const w = wire(port);
				const got = await w.send(request(`/raw/${hex(HEAD + bytes)}`)).response();
				assert.deepStrictEqual([got.status, got.body, got.trailers], [200, body, trailers]);
				assert.strictEqual((await w.send(request(`/raw/${hex(HEAD + bytes)}`)).response()).body, body, "the connection goes on");
				w.close();
			});
		for (const { name, bytes } of forms.malformed) {
			await t.test(`malformed at once: ${name}`, async () => {
				const w = wire(port);
				assert.strictEqual((await w.send(request(`/raw/${hex(HEAD + bytes)}`)).response()).status, 502);
				await w.end();
				w.close();
			});
			await t.test(`malformed later: ${name}`, async () => {
				const w = wire(port).send(request(`/raw/${hex(`${HEAD}5\r\nfirst\r\n`)}/${hex(bytes)}`));
				await w.take(/\r\n\r\n5\r\nfirst\r\n/);
				assert.strictEqual((await get(port, "/go")).status, 200);
				assert.doesNotMatch(await w.end(), /(^|\n)0\r\n/, "never whole");
				w.close();
			});
		}
	}));

test("a malformed chunk after good ones: 400, and the worker's request never ends", { timeout: 60000 }, async () => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-"));
	const diary = path.join(folder, "diary");
	await serving(["--", process.execPath, "recorder.js", "{port}"], { ...own, DIARY: diary }, async ({ port }) => {
		const wires = forms.malformed.map(() => wire(port).send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"));
		await until(async () => fs.readFileSync(diary, "utf8").split("begun").length > wires.length, "all requests to begin");
		for (const [i, w] of wires.entries()) {
			assert.strictEqual((await w.send(forms.malformed[i].bytes).response()).status, 400);
			await w.end();
			w.close();
		}
		const notes = fs.readFileSync(diary, "utf8");
		assert.doesNotMatch(notes, /"seen"|"wrong"/);
	});
	fs.rmSync(folder, { recursive: true });
});

// Every size of piece, larger than what any buffer on the way takes.
function pieces(total) {
	const all = crypto.randomBytes(total);
	const list = [];
	for (let at = 0, i = 0; at < total; i++) {
		const n = [1, 7, 300, 5000, 65536, 1 << 20][i % 6];
		list.push(all.subarray(at, at + n));
		at += n;
	}
	return { all, list };
}

test("large bodies in pieces of all sizes, both ways at once, on one connection", { timeout: 60000 }, () =>
	serving(["echo-body.js"], { SIOINIT_WORKERS: "1" }, async ({ port }) => {
		const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
		for (let i = 0; i < 3; i++) {
			const { all, list } = pieces(12 << 20);
			const got = await new Promise((resolve, reject) => {
				const req = http.request({ port, agent, method: "POST", headers: { Trailer: "X-Sum" } }, (res) => {
					const parts = [];
					res.on("data", (d) => parts.push(d)).on("end", () => resolve({ body: Buffer.concat(parts), trailers: res.trailers })).on("error", reject);
				});
				req.on("error", reject);
				const next = () => {
					while (list.length) if (!req.write(list.shift())) return void req.once("drain", next);
					req.addTrailers({ "X-Sum": "1" });
					req.end();
				};
				next();
			});
			assert.ok(got.body.equals(all));
			assert.deepStrictEqual({ ...got.trailers }, { "x-sum": "1" });
		}
		agent.destroy();
	}));
