const assert = require("node:assert");
const { once } = require("events");
const { connect, pollingSession, WebSocket } = require("../../clients");

module.exports = {
	title: "a `ws` server at a path of its own beside Socket.IO",
	kind: "framework",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		for (let i = 0; i < 6; i++) {
			const live = new WebSocket(`ws://127.0.0.1:${host.port}/live`);
			assert.strictEqual(String((await once(live, "message"))[0]), "live");
			live.close();
			const socket = await connect(host);
			socket.close();
			await pollingSession(host);
		}
	},
	differs: { pm2: "polling is spread over the workers: session ID unknown" },
};
