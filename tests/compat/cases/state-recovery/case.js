const assert = require("node:assert");
const { once } = require("events");
const { connect } = require("../../clients");

module.exports = {
	title: "connectionStateRecovery, one worker",
	kind: "framework",
	fast: true,
	app: "server.js",
	workers: 1,
	async check(host) {
		await host.answers();
		const socket = await connect(host, "websocket", { reconnection: true, reconnectionDelay: 300 });
		const heard = [];
		socket.on("news", (url) => heard.push(url));
		await host.until(async () => (await host.get("/before"), heard.includes("/before")), "news");
		const again = once(socket, "connect");
		socket.io.engine.close();
		await host.get("/meanwhile");
		await again;
		assert.strictEqual(await socket.timeout(3000).emitWithAck("recovered"), true);
		await host.until(() => heard.includes("/meanwhile"), "what was missed");
		socket.close();
	},
};
