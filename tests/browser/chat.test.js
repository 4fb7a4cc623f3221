// examples/chat in a real browser: pages on both workers, each message once and in order on all of them, a worker killed,
// a phone's width. Polly's page has no WebSocket and stays on polling.
const assert = require("assert");
const fs = require("fs");
const path = require("path");
const test = require("node:test");
const { start, until, childOf } = require("../e2e/harness");

const BROWSER = "/usr/bin/chromium-headless-shell";
const CHAT = path.join(__dirname, "../../examples/chat");
const NAMES = ["Polly", "Ada", "Bo", "Cy", "Dee", "Eve"];
const MEANWHILE = "While some are away";
const PHONE = { width: 390, height: 844 };

if (!fs.existsSync(BROWSER)) {
	console.log(`skipped: no ${BROWSER}`);
	process.exit(77);
}
const { chromium } = require("playwright-core");

// What a person sees and does in one page.
class User {
	static async open(context, port, name) {
		const user = new User();
		user.name = name;
		user.page = await context.newPage();
		user.errors = [];
		user.page.on("console", (m) => ["error", "warning"].includes(m.type()) && user.errors.push(m.text()));
		user.page.on("pageerror", (err) => user.errors.push(String(err)));
		if (name === "Polly") await user.page.addInitScript(() => delete window.WebSocket);
		await user.page.goto(`http://127.0.0.1:${port}`);
		await user.rename(name);
		await user.page.getByRole("status").filter({ hasText: /^Connected$/ }).waitFor();
		await user.page.getByRole("status").evaluate((status) => {
			window.states = [];
			new MutationObserver(() => states.push(status.textContent)).observe(status, { childList: true });
		});
		return user;
	}

	async rename(name) {
		await this.page.getByLabel("Your name").fill(name);
		await this.page.getByLabel("Your name").press("Tab");
	}

	async say(...texts) {
		for (const text of texts) {
			await this.page.getByLabel("Message", { exact: true }).fill(text);
			await this.page.keyboard.press("Enter");
		}
	}

	// [worker, transport]
	async link() {
		return /served by (worker \d+) over (\w+)/.exec(await this.page.getByRole("banner").innerText()).slice(1);
	}

	// what the status has said since the page was first connected
	states() {
		return this.page.evaluate(() => states);
	}

	// { worker: its people, sorted }
	async people() {
		const lines = await this.page.getByLabel("People here, by worker").getByRole("listitem").allInnerTexts();
		return Object.fromEntries(lines.map((line) => /^(worker \d+) (.*)$/.exec(line)).map(([, worker, names]) => [worker, names.split(", ").sort()]));
	}

	// { sender: ["worker N: text", ...] }, as shown from top to bottom
	async heard() {
		const shown = await this.page.getByRole("log").getByRole("listitem").evaluateAll((items) =>
			items.map((item) => ["b", ".worker", "p"].map((part) => item.querySelector(part).textContent)),
		);
		const bySender = {};
		for (const [name, worker, text] of shown) if (text !== MEANWHILE) (bySender[name] ??= []).push(`${worker}: ${text}`);
		return bySender;
	}
}

// Fails with the difference between what read() gives in the end and what it should.
async function becomes(read, expected, what, ms = 10000) {
	await until(async () => {
		assert.deepStrictEqual(await read(), expected);
		return true;
	}, what, ms);
}

// All of them speak at the same time.
async function allTalk(users, said, topic) {
	for (const user of users) {
		const [worker] = await user.link();
		user.lines = [1, 2, 3, 4, 5].map((i) => `${topic}, ${i}`);
		(said[user.name] ??= []).push(...user.lines.map((line) => `${worker}: ${line}`));
	}
	await Promise.all(users.map((user) => user.say(...user.lines)));
	await Promise.all(users.map((user) => becomes(() => user.heard(), said, `what ${user.name} hears`)));
}

async function peopleAreShown(users) {
	const workers = await Promise.all(users.map(async (user) => (await user.link())[0]));
	const named = (worker, self) => users.filter((_, i) => workers[i] === worker).map((u) => (u === self ? `${u.name} (you)` : u.name)).sort();
	for (const user of users) {
		const expected = Object.fromEntries([...new Set(workers)].map((worker) => [worker, named(worker, user)]));
		await becomes(() => user.people(), expected, `whom ${user.name} sees`);
	}
}

test("examples/chat in Chromium", { timeout: 100000 }, async (t) => {
	const s = await start(["worker.js"], { SIOINIT_WORKERS: "2" }, CHAT);
	const browser = await chromium.launch({ executablePath: BROWSER });
	const users = [];
	const said = {};
	try {
		const context = await browser.newContext();
		await t.test("a page shows its worker and its transport, and who is where; both workers serve", async () => {
			for (const name of NAMES) users.push(await User.open(context, s.port, name));
			for (const user of users) await becomes(async () => (await user.link())[1], user.name === "Polly" ? "polling" : "websocket", `${user.name}'s transport`);
			const workers = await Promise.all(users.map(async (user) => (await user.link())[0]));
			assert.deepStrictEqual([...new Set(workers)].sort(), ["worker 0", "worker 1"]);
			await peopleAreShown(users);
		});

		await t.test("each message arrives once, in order, everywhere", () => allTalk(users, said, "hello"));

		await t.test("kill -9 of a worker: its pages come back, the others notice nothing", async () => {
			const workers = await Promise.all(users.map(async (user) => (await user.link())[0]));
			const staying = users.filter((_, i) => workers[i] === workers[0]);
			const moving = users.filter((_, i) => workers[i] !== workers[0]);
			const number = workers.find((worker) => worker !== workers[0]).split(" ")[1];
			process.kill(childOf(s.pid, `NODE_APP_INSTANCE=${number}`), "SIGKILL");

			await users[0].say(MEANWHILE);
			for (const user of staying) await user.page.getByRole("log").getByText(MEANWHILE).waitFor();
			for (const user of moving) await becomes(() => user.states(), ["Connection lost, reconnecting…", "Connected"], `${user.name} is back`);
			for (const user of staying) assert.deepStrictEqual(await user.states(), [], `${user.name} was disturbed`);
			await peopleAreShown(users);
			await allTalk(users, said, "still here");
		});

		await t.test("who closes the page is no longer shown", async () => {
			await users.at(-1).page.close();
			await peopleAreShown(users.slice(0, -1));
		});

		await t.test("nothing overflows on a phone", async () => {
			const [{ page }] = users;
			await page.setViewportSize(PHONE);
			await users[0].rename("W".repeat(24));
			await users[0].say("m".repeat(500));
			await page.getByRole("log").getByText("m".repeat(500)).waitFor();
			const wide = await page.evaluate(() => {
				const leaves = (e) => e.getBoundingClientRect().left < 0 || e.getBoundingClientRect().right > innerWidth;
				const scrolls = (e) => e.scrollWidth > e.clientWidth && e.clientWidth > 0 && e.tagName !== "INPUT";
				return [...document.querySelectorAll("body, body *")].filter((e) => leaves(e) || scrolls(e)).map((e) => e.outerHTML.slice(0, 80));
			});
			assert.deepStrictEqual(wide, []);
			const send = await page.getByRole("button", { name: "Send" }).boundingBox();
			assert.ok(send.y + send.height <= PHONE.height, "Send is in view");
		});

		await t.test("no page has reported an error", () => assert.deepStrictEqual(users.flatMap((user) => user.errors), []));
	} finally {
		await browser.close();
		assert.strictEqual(await s.stop(), 0);
	}
});
