// The status page in a real browser: before a real sioinit, and before a stand-in for what is hard to bring about.
const assert = require("assert");
const fs = require("fs");
const test = require("node:test");
const { start, until, childOf, routerOf } = require("../e2e/harness");
const { StatusPage, BROWSER } = require("./page");
const { standIn, TOKEN } = require("./stand-in");

if (!fs.existsSync(BROWSER)) {
	console.log(`skipped: no ${BROWSER}`);
	process.exit(77);
}
const { chromium } = require("playwright-core");

const SECRET = "token-of-this-test-0";
const PAGE_MAX = 60000;
const PHONE = { width: 390, height: 844 };
const WALL = { width: 2560, height: 1440 };

test("the status page in Chromium", { timeout: 100000 }, async (t) => {
	const browser = await chromium.launch({ executablePath: BROWSER });
	t.after(() => browser.close());

	await t.test("before a real sioinit", async (t) => {
		const s = await start(["worker.js"], { SIOINIT_WORKERS: "2", SIOINIT_ADMIN_TOKEN: SECRET, SIOINIT_DRAIN_TIME: "0.2" });
		const me = await StatusPage.open(browser, s.admin);

		await t.test("says that all is well, is small, and asks for nothing elsewhere", async () => {
			await me.says("All is well");
			assert.match(await me.page.title(), /All is well/);
			assert.match(await me.icon(), /1c8a55/);
			const headers = me.response.headers();
			assert.match(headers["content-security-policy"], /default-src 'none'; script-src 'sha256-[^']*'; style-src 'sha256-[^']*'/);
			assert.doesNotMatch(headers["content-security-policy"], /unsafe/);
			assert.ok((await me.response.body()).length < PAGE_MAX);
			assert.deepStrictEqual(me.requests.filter((url) => !url.startsWith(`http://127.0.0.1:${s.admin}/`) && !url.startsWith("data:")), []);
		});

		await t.test("axe-core finds nothing, and nothing overflows: light, dark, phone, wall", async () => {
			for (const colorScheme of ["light", "dark"])
				for (const viewport of [PHONE, WALL]) {
					await me.page.emulateMedia({ colorScheme });
					await me.page.setViewportSize(viewport);
					assert.deepStrictEqual(await me.faults(), [], `${colorScheme}, ${viewport.width}`);
				}
			await me.page.setViewportSize({ width: 1280, height: 860 });
		});

		await t.test("shows what is new", async () => {
			const answer = await fetch(`http://127.0.0.1:${s.port}/socket.io/?EIO=4&transport=polling`);
			assert.strictEqual(answer.status, 200);
			await me.becomes(() => me.number("Sessions"), "1", "the session");
		});

		await t.test("a killed worker within 2 s", async () => {
			const pid = await me.pid(1);
			assert.strictEqual(pid, childOf(s.pid, "NODE_APP_INSTANCE=1"));
			process.kill(pid, "SIGKILL");
			await me.deaths.getByText("Worker 1").waitFor({ timeout: 2000 });
			await me.becomes(() => me.cell(1, "Restarts"), "1", "the restart");
			await me.says("All is well");
			assert.notStrictEqual(await me.pid(1), pid);
		});

		await t.test("a router's end: says so, and comes back with its numbers", async () => {
			process.kill(routerOf(s.pid), "SIGKILL");
			await me.says("No answer from sioinit", 5000);
			await me.says("All is well");
			assert.strictEqual(await me.cell(1, "Restarts"), "1");
		});

		await t.test("no button without the token", async () => {
			assert.strictEqual(await me.button(/Restart/).count(), 0);
			await me.unlock("another");
			await me.page.getByRole("alert").getByText("This is not the token.").waitFor();
			await me.button("Cancel").click();
		});

		await t.test("restart, scale, reload, drain", async () => {
			await me.unlock(SECRET);
			const before = await me.pid(0);
			await me.confirm(me.button("Restart… worker 0"), "Restart worker 0", /its .* sessions? .* let go/);
			await until(async () => ![before, NaN].includes(await me.pid(0)), "another worker 0");

			await me.button("Scale…").click();
			await me.page.getByRole("spinbutton", { name: "Workers" }).fill("3");
			await me.page.getByText("1 worker more will be started: 3 instead of 2.").waitFor();
			await me.page.keyboard.press("Enter");
			await me.row(2).getByText("ready").waitFor();

			const pids = await Promise.all([0, 1, 2].map((slot) => me.pid(slot)));
			await me.confirm(me.button("Reload…"), "Reload", /One after the other/);
			await me.page.getByText(/^Reload(, \d of 3 done|ed \d+ s ago)/).waitFor();
			await until(async () => (await Promise.all([0, 1, 2].map((slot) => me.pid(slot)))).every((pid, i) => pid > 0 && pid !== pids[i]), "three other workers");

			await me.confirm(me.button("Drain…"), "Drain", /\/readyz answers 503/);
			await me.confirm(me.button("Take traffic again…"), "Take traffic", /\/readyz answers 200/);
			await me.button("Drain…").waitFor();
		});

		await t.test("the settings in force, with their origin; a secret is none of them", async () => {
			await me.page.getByText("Settings in force").click();
			await me.page.getByRole("row", { name: "SIOINIT_WORKERS 2" }).waitFor();
			await me.page.getByRole("row", { name: "SIOINIT_ADMIN_TOKEN (hidden)" }).waitFor();
			assert.ok(!(await me.page.content()).includes(SECRET));
		});

		await t.test("the end of sioinit: says at once that nobody answers", async () => {
			assert.deepStrictEqual(me.errors.filter((e) => !/Failed to load resource|ERR_/.test(e)), []);
			assert.strictEqual(await s.stop(), 0);
			await me.says("No answer from sioinit", 4000);
			await me.page.getByText(/^What is below is how it was at/).waitFor();
			assert.deepStrictEqual(await me.faults(), []);
		});
	});

	// With a stand-in for sioinit, which ends with the test
	const before = (name, workers, trouble, options, run) =>
		t.test(name, async () => {
			const other = await standIn(workers, trouble);
			const me = await StatusPage.open(browser, other.port, options);
			try {
				await run(me, other);
				assert.deepStrictEqual(me.errors, []);
			} finally {
				await me.page.context().close();
				await other.close();
			}
		});

	await before("what is wrong, since when, and which worker", 4, "crash", {}, async (me) => {
		await me.says("Worker 2 keeps crashing");
		await me.page.getByText(/^Worker 2 has ended 5 times in the last minute\. It is started again/).waitFor();
		await me.page.getByText(/^For 4\d s, since \d\d:\d\d$/).waitFor();
		await me.row(2).getByText("ended").waitFor();
		assert.match(await me.icon(), /d0342c/);
		await me.page.emulateMedia({ reducedMotion: "reduce" });
		assert.strictEqual(await me.page.evaluate(() => document.getAnimations().length), 0);
		await me.unlock(TOKEN);
		await me.page.getByText("Error: cannot find the database").first().waitFor();
		assert.deepStrictEqual(await me.faults(), []);
	});

	await before("how far a reload is", 4, "reload", {}, async (me) => {
		await me.page.getByText("Reload, 2 of 4 done: worker 2 hands over").waitFor();
		assert.ok(await me.page.getByRole("progressbar").isVisible());
		assert.deepStrictEqual(await me.faults(), []);
	});

	await before("1024 workers do not freeze it", 1024, "crash", {}, async (me) => {
		await me.page.locator("#worker-1023").waitFor(); // by role, the browser is asked about 10,000 cells
		const late = await me.page.evaluate(async () => {
			const begin = performance.now();
			let last = begin;
			let longest = 0;
			while (last - begin < 2000) {
				await new Promise((r) => setTimeout(r, 10));
				const now = performance.now();
				longest = Math.max(longest, now - last);
				last = now;
			}
			return longest;
		});
		assert.ok(late < 700, `it was away for ${late} ms`);
		assert.match(await me.page.locator("#rows tr").first().innerText(), /^Worker 2/); // the one in trouble first
	});

	await before("words of workers are text, whatever they are", 3, "crash", {}, async (me, other) => {
		other.status.host = "<img src=x onerror=alert(1)>";
		other.status.conditions[0].text = "<b>bold</b>";
		other.status.deaths[0].text = "</li><script>alert(1)</script>";
		await me.page.getByText(/^<b>bold<\/b>\./).waitFor();
		await me.page.getByText("</li><script>alert(1)</script>").waitFor();
		await me.page.getByText("<img src=x onerror=alert(1)>").waitFor();
	});

	await before("a tab that nobody sees is not drawn, but says in its title how all is", 1, "", {}, async (me, other) => {
		await me.says("All is well");
		await me.page.evaluate(() => {
			Object.defineProperty(document, "hidden", { get: () => window.away, configurable: true });
			window.away = true;
		});
		other.status.conditions.push({ severity: "error", id: "hanging", slot: 0, text: "worker 0 has not answered for 11 s", since_s: 11 });
		await until(async () => /Worker 0 hangs/.test(await me.page.title()), "the title");
		await me.says("All is well");
		await me.page.evaluate(() => {
			window.away = false;
			document.dispatchEvent(new Event("visibilitychange"));
		});
		await me.says("Worker 0 hangs");
	});

	await t.test("where /events has no room, it asks for /status", async () => {
		const other = await standIn(3);
		other.isFull = true;
		const me = await StatusPage.open(browser, other.port);
		try {
			await me.says("All is well");
			other.status.conditions.push({ severity: "warn", id: "suspect", slot: 1, text: "worker 1 answers late (1.2 s)", since_s: 2 });
			other.status.ok = false;
			await me.says("Worker 1 is slow", 4000);
		} finally {
			await me.page.context().close();
			await other.close();
		}
	});

	await before("all of it by keyboard", 2, "", {}, async (me, other) => {
		await me.says("All is well");
		const focused = () => me.page.evaluate(() => document.activeElement.textContent.trim());
		const walk = async (to) => {
			for (let i = 0; i < 30 && (await focused()) !== to; i++) await me.page.keyboard.press("Tab");
			assert.strictEqual(await focused(), to);
			await me.page.keyboard.press("Enter");
		};
		await walk("Enter the token…");
		await me.page.keyboard.type(TOKEN);
		await me.page.keyboard.press("Enter");
		await me.button("Reload…").waitFor();
		await walk("Reload…");
		await me.page.keyboard.press("Escape");
		await me.page.getByRole("dialog").waitFor({ state: "hidden" });
		assert.strictEqual(await focused(), "Reload…");
		await me.page.keyboard.press("Enter");
		await me.page.keyboard.press("Tab");
		await me.page.keyboard.press("Enter");
		await me.page.getByText(/^The reload has begun/).waitFor();
		assert.deepStrictEqual(other.said, ["/actions/reload"]);
	});
});
