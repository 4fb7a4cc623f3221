const assert = require("node:assert");
const { once } = require("events");
const { WebSocket } = require("../../clients");

module.exports = {
	title: "stands at a developer's breakpoint and is left alone",
	kind: "operations",
	app: ["node", "--inspect=127.0.0.1:0", "server.js"],
	workers: 1,
	hosts: { sioinit: { env: () => ({ SIOINIT_HANG_TIMEOUT: "2" }) }, pm2: null },
	async check(host) {
		await host.answers();
		const debug = new WebSocket((await host.get()).body);
		await once(debug, "open");
		let heard = "";
		debug.on("message", (text) => (heard += text));
		["Debugger.enable", "Debugger.pause"].forEach((method, i) => debug.send(JSON.stringify({ id: i + 1, method })));
		host.get("/", { timeout: 20000 }).catch(() => {});
		await host.until(() => heard.includes("Debugger.paused"), "the breakpoint");
		await new Promise((resolve) => setTimeout(resolve, 5000));
		assert.strictEqual(debug.readyState, WebSocket.OPEN);
		debug.close();
	},
};
