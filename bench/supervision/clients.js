// Clients of a peer: single requests, a load, WebSockets.
const http = require("http");
const WebSocket = require("ws");
const { sleep } = require("../processes.js");

// { ok, json, ms }; never rejects
function get(port, path, { timeout = 10000, agent = false } = {}) {
	const begin = Date.now();
	return new Promise((resolve) => {
		const done = (ok, json) => resolve({ ok, json, ms: Date.now() - begin });
		const request = http.get({ port, host: "127.0.0.1", path, agent, timeout }, (res) => {
			let text = "";
			res.setEncoding("utf8").on("data", (part) => (text += part)).on("error", () => done(false));
			res.on("end", () => done(res.statusCode === 200, res.statusCode === 200 && text.startsWith("{") ? JSON.parse(text) : text));
		});
		request.on("error", () => done(false)).on("timeout", () => request.destroy());
	});
}

const getMany = (port, count, options) => Promise.all(Array.from({ length: count }, () => get(port, "/", options)));

// Four clients that keep their connection and four that do not, one request at a time each, until stop() tells
// { requests, failed }
function startLoad(port) {
	const count = { requests: 0, failed: 0 };
	let going = true;
	async function client(agent) {
		while (going) {
			const { ok } = await get(port, "/", { agent, timeout: 5000 });
			count.requests++;
			count.failed += !ok;
			await sleep(5);
		}
		if (agent) agent.destroy();
	}
	const clients = Array.from({ length: 8 }, (_, i) => client(i % 2 ? false : new http.Agent({ keepAlive: true, maxSockets: 1 })));
	return {
		stop: async () => {
			going = false;
			await Promise.all(clients);
			return count;
		},
	};
}

// A Socket.IO client that tries for 2 s; resolves with { closed }, which resolves with the time it was closed, or undefined
function connect(port) {
	const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
	const closed = new Promise((resolve) => socket.on("close", () => resolve(Date.now())));
	const connected = new Promise((resolve) => {
		socket.on("error", () => resolve());
		socket.on("message", (data) => {
			const text = String(data);
			if (text[0] === "0") socket.send("40");
			else if (text === "2") socket.send("3");
			else if (text.startsWith("40")) resolve({ closed });
		});
	});
	return Promise.race([connected, sleep(2000)]);
}

module.exports = { get, getMany, startLoad, connect };
