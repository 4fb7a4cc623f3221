const assert = require("node:assert");

module.exports = {
	title: "10 MB of lines at once, one of 300 kB, and a last one without an end: all there, in order",
	kind: "logs",
	fast: true,
	app: "server.js",
	workers: 1,
	async check(host) {
		await host.answers("/", { timeout: 20000 });
		await host.until(() => host.out.includes("\u2713"), "the last line", 20000);
		const numbers = host.out.match(/^\d{6} x{99}$/gm);
		assert.strictEqual(numbers.length, 100000);
		assert.ok(numbers.every((text, i) => Number(text.slice(0, 6)) === i), "out of order");
		assert.ok(host.out.includes("y".repeat(300000)), "the long line is broken");
		assert.ok(host.out.includes("no newline \u001b[32mgreen"), "colours are lost");
	},
};
