// What a person sees and does on the status page.
const assert = require("assert");
const fs = require("fs");
const { until } = require("../e2e/harness");

const BROWSER = "/usr/bin/chromium-headless-shell";
const axe = () => fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

class StatusPage {
	// With options of the browser's context
	static async open(browser, port, options = {}) {
		const self = new StatusPage();
		const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
		self.page = await context.newPage();
		self.errors = [];
		self.requests = [];
		self.page.on("console", (m) => ["error", "warning"].includes(m.type()) && self.errors.push(m.text()));
		self.page.on("pageerror", (err) => self.errors.push(String(err)));
		self.page.on("request", (r) => self.requests.push(r.url()));
		self.deaths = self.page.getByRole("list", { name: "How workers ended" });
		self.response = await self.page.goto(`http://127.0.0.1:${port}/`);
		return self;
	}

	// What the first glance says, once it is that
	async says(headline, ms = 10000) {
		await this.page.getByRole("heading", { level: 1 }).filter({ hasText: headline }).waitFor({ timeout: ms });
	}

	row(slot) {
		return this.page.getByRole("row", { name: new RegExp(`^Worker ${slot}\\b`) });
	}

	// A cell of a worker's row, by the column's title
	async cell(slot, title) {
		return (await this.row(slot).locator(`[data-label="${title}"]`).innerText()).trim();
	}

	async pid(slot) {
		return Number(/pid (\d+)/.exec(await this.row(slot).getByRole("rowheader").innerText())?.[1]);
	}

	// A key number
	number(name) {
		return this.page.getByRole("term").filter({ hasText: name }).locator("xpath=following-sibling::dd[1]").innerText();
	}

	button(name) {
		return this.page.getByRole("button", { name });
	}

	// Enters the token
	async unlock(token) {
		await this.button("Enter the token…").click();
		await this.page.getByLabel("Token", { exact: true }).fill(token);
		await this.page.keyboard.press("Enter");
	}

	// Presses a button and says yes; what it would do has to be said before
	async confirm(button, yes, saying) {
		await button.click();
		const dialog = this.page.getByRole("dialog");
		await dialog.getByText(saying).waitFor();
		await dialog.getByRole("button", { name: yes, exact: true }).click();
		await dialog.waitFor({ state: "hidden" });
	}

	icon() {
		return this.page.locator("link[rel=icon]").getAttribute("href");
	}

	// What axe-core finds, and what leaves the window sideways
	async faults() {
		await this.page.evaluate(axe());
		return this.page.evaluate(async () => {
			const { violations } = await window.axe.run(); // eslint-disable-line no-undef
			const wide = document.documentElement.scrollWidth > innerWidth ? ["wider than the window"] : [];
			return [...violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(", ")}`), ...wide];
		});
	}

	async becomes(read, expected, what, ms = 10000) {
		await until(async () => {
			assert.deepStrictEqual(await read(), expected);
			return true;
		}, what, ms);
	}
}

module.exports = { StatusPage, BROWSER };
