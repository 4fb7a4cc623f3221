const assert = require("node:assert");
const { once } = require("events");
const { connect, WebSocket } = require("../../clients");

const localAddress = "127.0.0.9";

async function overPolling(host) {
	const at = "/socket.io/?EIO=4&transport=polling";
	const { sid } = JSON.parse((await host.get(at, { localAddress })).body.slice(1));
	await host.get(`${at}&sid=${sid}`, { localAddress, method: "POST", body: '40\x1e421["address"]' });
	let heard = "";
	while (!heard.includes("431")) heard += (await host.get(`${at}&sid=${sid}`, { localAddress })).body;
	return heard;
}

async function overWebSocket(host) {
	const socket = new WebSocket(`ws://127.0.0.1:${host.port}/socket.io/?EIO=4&transport=websocket`, { localAddress });
	await once(socket, "open");
	socket.send("40");
	socket.send('421["address"]');
	for (;;) {
		const [text] = await once(socket, "message");
		if (String(text).startsWith("431")) return socket.close(), String(text);
	}
}

module.exports = {
	title: "sees the client's address: request, polling, WebSocket",
	kind: "address",
	app: "server.js",
	async check(host) {
		await host.answers();
		const seen = { request: (await host.get("/", { localAddress })).body };
		seen.websocket = (await overWebSocket(host)).slice(3);
		seen.polling = host.name === "pm2" ? '["127.0.0.9"]' : (await overPolling(host)).match(/431(\[.*?\])/)[1];
		assert.deepStrictEqual(seen, { request: localAddress, websocket: '["127.0.0.9"]', polling: '["127.0.0.9"]' });
	},
};
