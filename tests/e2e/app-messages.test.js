// Messages to a cluster's primary that sioinit does not play: what is said of them, once, and SIOINIT_RELAY_APP_MESSAGES.
const test = require("node:test");
const assert = require("node:assert");
const { start, get, until } = require("./harness");

async function served(app, env, use) {
	const s = await start(["messages.js"], { SIOINIT_WORKERS: "2", SIOINIT_DRAIN_TIME: "0.1", APP: app, ...env });
	try {
		await use(s);
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

async function send(s, n) {
	for (let i = 0; i < n; i++) assert.strictEqual((await get(s.port, `/${i}`)).status, 200);
}

const count = (text, re) => (text.match(re) || []).length;
const said = (s, re) => until(async () => re.test(s.log), `${re} in the log`);

test("log4js: its lines are lost, and sioinit says so once, and what to do", () =>
	served("log4js", {}, async (s) => {
		await send(s, 6);
		await said(s, /level=warn .*log4js .*disableClustering: true.*SIOINIT_RELAY_APP_MESSAGES=on/);
		await s.stop();
		assert.strictEqual(count(s.log, /log4js/g), 1);
	}));

for (const [advice, env] of [
	["disableClustering", { LOG4JS: '{"disableClustering":true}' }],
	["pm2 and relayed messages", { LOG4JS: '{"pm2":true}', SIOINIT_RELAY_APP_MESSAGES: "on" }],
])
	test(`log4js as advised, ${advice}: all lines are there`, () =>
		served("log4js", env, async (s) => {
			await send(s, 6);
			await until(async () => count(s.out, /^LINE \/\d$/gm) === 6, "six lines");
			await s.stop();
			assert.strictEqual(count(s.out, /^LINE/gm), 6);
			assert.ok(!/log4js/.test(s.log));
		}));

test("rate-limiter-flexible: its cluster limiter is not answered, and sioinit says so once", () =>
	served("limiter", {}, async (s) => {
		await send(s, 4);
		await said(s, /level=warn .*rate-limiter-flexible .*RateLimiterRedis/);
		await until(async () => s.out.includes("LIMITER"), "the limiter's own time-out");
		await s.stop();
		assert.strictEqual(count(s.log, /rate-limiter-flexible/g), 1);
	}));

test("what an app reports to pm2 is no news", () =>
	served("pm2", { SIOINIT_LOG_LEVEL: "debug" }, async (s) => {
		await send(s, 4);
		await said(s, /level=debug .*@pm2\/io/);
		await s.stop();
		assert.strictEqual(count(s.log, /@pm2\/io/g), 1);
		assert.ok(!/nobody reads it/.test(s.log));
	}));

test("the app's own messages go nowhere by default, and sioinit says so once", () =>
	served("own", {}, async (s) => {
		await send(s, 6);
		await said(s, /level=info .*with type=greeting: nobody reads it.*SIOINIT_RELAY_APP_MESSAGES=on/);
		await s.stop();
		assert.strictEqual(count(s.log, /nobody reads it/g), 1);
		assert.ok(!s.out.includes("GOT"));
	}));

for (const [serialization, bytes] of [["advanced", "000aff01"], ["json", '{"type":"Buffer","data":[0,10,255,1]}']])
	test(`SIOINIT_RELAY_APP_MESSAGES=on: all other workers get it, the sender does not (${serialization})`, () =>
		served("own", { SIOINIT_RELAY_APP_MESSAGES: "on", SIOINIT_WORKERS: "3", SIOINIT_SERIALIZATION: serialization }, async (s) => {
			const senders = [];
			for (let i = 0; i < 5; i++) senders.push(String((await get(s.port, `/${i}`)).body));
			const expected = senders.flatMap((from, i) => ["0", "1", "2"].filter((to) => to !== from).map((to) => `GOT ${to} ${from} /${i} ${bytes}`));
			await until(async () => count(s.out, /^GOT .*$/gm) >= expected.length, "the messages");
			await s.stop();
			assert.deepStrictEqual(s.out.match(/^GOT .*$/gm).sort(), expected.sort());
			assert.ok(!/nobody reads it/.test(s.log));
		}));
