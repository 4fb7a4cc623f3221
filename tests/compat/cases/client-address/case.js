const assert = require("node:assert");
const { once } = require("events");
const { WebSocket } = require("../../clients");

const localAddress = "127.0.0.9";
const askIt = '420["address"]';

async function overPolling(host) {
	const ask = (url, options) => host.get(url, { localAddress, ...options });
	const base = "/socket.io/?EIO=4&transport=polling";
	const { sid } = JSON.parse((await ask(base)).body.slice(1));
	await ask(`${base}&sid=${sid}`, { method: "POST", body: "40" });
	await ask(`${base}&sid=${sid}`);
	await ask(`${base}&sid=${sid}`, { method: "POST", body: askIt });
	let heard = "";
	await host.until(async () => (heard += (await ask(`${base}&sid=${sid}`)).body).includes("430"), "an answer by polling");
	return heard.match(/430(\[.*?\])/)[1];
}

async function overWebSocket(host) {
	const socket = new WebSocket(`ws://127.0.0.1:${host.port}/socket.io/?EIO=4&transport=websocket`, { localAddress });
	let heard = "";
	socket.on("message", (text) => (heard += text));
	await once(socket, "open");
	socket.send("40");
	await host.until(() => heard.includes("40{"), "the namespace");
	socket.send(askIt);
	await host.until(() => heard.includes("430"), "an answer by WebSocket");
	socket.close();
	return heard.match(/430(\[.*?\])/)[1];
}

module.exports = {
	title: "sees the client's address: request, polling, WebSocket",
	kind: "address",
	app: "server.js",
	workers: 1,
	async check(host) {
		await host.answers();
		const seen = { request: (await host.get("/", { localAddress })).body, websocket: await overWebSocket(host), polling: await overPolling(host) };
		assert.deepStrictEqual(seen, { request: localAddress, websocket: '["127.0.0.9"]', polling: '["127.0.0.9"]' });
	},
};
