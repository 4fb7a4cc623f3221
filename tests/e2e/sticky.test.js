// Where a client belongs, by every setting; sessions whose ids are anything but plain.
const test = require("node:test");
const assert = require("node:assert");
const { start, run, get, until } = require("./harness");

async function sticky(env, use, args = ["busy.js"]) {
	const s = await start(args, { SIOINIT_WORKERS: "3", ...env });
	try {
		await use(s);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

const slot = async (port, headers = {}, url = "/") => (await get(port, url, { headers })).body.toString();
const status = async (s) => JSON.parse((await get(s.admin, "/status")).body);

async function lose(s, victim) {
	process.kill((await status(s)).workers[victim].pid, "SIGKILL");
	await until(async () => (await status(s)).workers[victim].state !== "ready", "its death");
}

test("cookie: names the worker until it is gone", { timeout: 30000 }, () =>
	sticky({ SIOINIT_STICKY: "cookie", SIOINIT_STICKY_COOKIE: "where" }, async (s) => {
		const first = await get(s.port, "/");
		const [set] = first.headers["set-cookie"];
		assert.match(set, /^where=[0-9a-f]{16}; Path=\/; HttpOnly; SameSite=Lax$/);
		const headers = { cookie: `a=b; ${set.split(";")[0]}; c=d` };
		for (let i = 0; i < 6; i++) {
			const r = await get(s.port, "/", { headers });
			assert.strictEqual(r.body.toString(), first.body.toString());
			assert.strictEqual(r.headers["set-cookie"], undefined);
		}
		await lose(s, Number(first.body.toString()));
		const moved = await get(s.port, "/", { headers });
		assert.notStrictEqual(moved.headers["set-cookie"][0].split(";")[0], set.split(";")[0]);
		assert.strictEqual(await slot(s.port, { cookie: moved.headers["set-cookie"][0].split(";")[0] }), moved.body.toString());
	}));

const cookieOf = async (s, headers) => (await get(s.port, "/", { host: "127.0.0.1", headers })).headers["set-cookie"][0].replace(/=[0-9a-f]{16}/, "");

test("cookie: attributes as they are set", { timeout: 30000 }, () =>
	sticky({ SIOINIT_STICKY: "cookie", SIOINIT_STICKY_COOKIE_ATTRIBUTES: "SameSite=None; Max-Age=3600; Partitioned" }, async (s) => {
		assert.strictEqual(await cookieOf(s), "sioinit; SameSite=None; Max-Age=3600; Partitioned; Path=/; HttpOnly; Secure");
	}));

for (const [who, trusted, attributes] of [["a trusted proxy", "127.0.0.1", "; Secure"], ["anybody", "10.0.0.1", ""]])
	test(`cookie: Secure where ${who} says that the client came by TLS`, { timeout: 30000 }, () =>
		sticky({ SIOINIT_STICKY: "cookie", SIOINIT_STICKY_COOKIE_ATTRIBUTES: "Secure=auto", SIOINIT_TRUSTED_PROXIES: trusted }, async (s) => {
			const always = "sioinit; Path=/; HttpOnly; SameSite=Lax";
			assert.strictEqual(await cookieOf(s, { "x-forwarded-proto": "https" }), always + attributes);
			assert.strictEqual(await cookieOf(s, { "x-forwarded-proto": "http" }), always);
		}));

test("cookie: wrong attributes are refused with the right ones", async () => {
	const { code, out } = await run(["busy.js"], { SIOINIT_STICKY_COOKIE_ATTRIBUTES: "Secure; Expires=0" });
	assert.strictEqual(code, 78);
	assert.match(out, /SIOINIT_STICKY_COOKIE_ATTRIBUTES=\\"Secure; Expires=0\\": not a list with ; of Path=.*Partitioned/);
});

test("address: one client, one worker", { timeout: 30000 }, () =>
	sticky({ SIOINIT_STICKY: "address" }, async (s) => {
		const all = new Set();
		for (let i = 0; i < 6; i++) all.add(await slot(s.port));
		assert.strictEqual(all.size, 1);
	}));

const keyed = [
	["header:X-Room", (i) => [{ "x-room": `room ${i}` }]],
	["hash:room", (i) => [{}, `/?a=1&room=${i}`]],
];
for (const [by, request] of keyed)
	test(`${by}: a lost worker moves only its own`, { timeout: 30000 }, () =>
		sticky({ SIOINIT_STICKY: by }, async (s) => {
			const where = () => Promise.all(Array.from({ length: 40 }, (_, i) => slot(s.port, ...request(i))));
			const before = await where();
			assert.strictEqual(new Set(before).size, 3);
			assert.deepStrictEqual(await where(), before);
			await lose(s, 1);
			(await where()).forEach((now, i) => assert.ok(before[i] === "1" || now === before[i]));
			await until(async () => (await status(s)).workers[1].state === "ready", "its successor");
			assert.deepStrictEqual(await where(), before);
		}));

const awkward = { plain: "abcDEF_-09", slashes: "a/b+c=d&e f", quotes: "a\"b\\c", unicode: "sid-ü-€", long: "x".repeat(256) };
for (const [what, id] of Object.entries(awkward))
	for (const jsonp of [false, true])
		test(`a session called ${what}${jsonp ? ", JSONP" : ""}`, { timeout: 30000 }, () =>
			sticky({ SIOINIT_SID_PARAM: "sid", ID: id }, async (s) => {
				const tail = jsonp ? "&j=0" : "";
				const opened = await get(s.port, `/?EIO=4&transport=polling${tail}`);
				for (let i = 0; i < 6; i++) {
					const polled = await get(s.port, `/?EIO=4&transport=polling&sid=${encodeURIComponent(id)}${tail}`);
					assert.strictEqual(polled.headers["x-slot"], opened.headers["x-slot"]);
				}
				assert.strictEqual((await status(s)).sid_misses, 0);
			}, ["handshake.js"]));

test("none: sessions do not count", { timeout: 30000 }, () =>
	sticky({ SIOINIT_STICKY: "none", ID: "abc" }, async (s) => {
		await get(s.port, "/?EIO=4&transport=polling");
		const slots = new Set();
		for (let i = 0; i < 6; i++) slots.add((await get(s.port, "/?EIO=4&transport=polling&sid=abc")).headers["x-slot"]);
		assert.strictEqual(slots.size, 3);
		assert.strictEqual((await status(s)).sessions, 0);
	}, ["handshake.js"]));
