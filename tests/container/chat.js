// Two people of examples/chat, one by polling and one by WebSocket, who hear each other.
const { once } = require("events");
const { io } = require("socket.io-client");
const { until } = require("./podman.js");

async function enter(url, transport) {
	const c = io(url, { transports: [transport], forceNew: true, auth: { name: transport } });
	c.heard = [];
	c.on("message", ({ name, text }) => c.heard.push(`${name}: ${text}`));
	await once(c, "worker", { signal: AbortSignal.timeout(20000) });
	return c;
}

// At ports of this machine, or at http://HOST:PORT; the second is the first where it is not given.
async function assertChat(...places) {
	const url = (place) => (typeof place === "number" ? `http://127.0.0.1:${place}` : place);
	const people = await Promise.all(["polling", "websocket"].map((transport, i) => enter(url(places[i] ?? places[0]), transport)));
	try {
		people[0].emit("message", "hello");
		await until("hello is heard", () => people.every((c) => c.heard.includes("polling: hello")));
		people[1].emit("message", "and to you");
		await until("the answer is heard", () => people.every((c) => c.heard.includes("websocket: and to you")));
	} finally {
		for (const c of people) c.disconnect();
	}
}

module.exports = { assertChat };
