// Two people of examples/chat, one by polling and one by WebSocket, who hear each other.
const { once } = require("events");
const { io } = require("socket.io-client");
const { until } = require("./podman.js");

async function enter(port, transport) {
	const c = io(`http://127.0.0.1:${port}`, { transports: [transport], forceNew: true, auth: { name: transport } });
	c.heard = [];
	c.on("message", ({ name, text }) => c.heard.push(`${name}: ${text}`));
	await once(c, "worker", { signal: AbortSignal.timeout(20000) });
	return c;
}

async function assertChat(port) {
	const people = await Promise.all(["polling", "websocket"].map((transport) => enter(port, transport)));
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
