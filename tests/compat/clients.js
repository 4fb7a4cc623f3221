// Socket.IO clients of a host's app.
const path = require("path");

const e2e = path.join(__dirname, "../e2e");
const { io } = require(require.resolve("socket.io-client", { paths: [e2e] }));
const WebSocket = require(require.resolve("ws", { paths: [e2e] }));

function once(emitter, event, ms = 5000) {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Error(`no ${event} within ${ms / 1000} s`)), ms);
		const done = (settle) => (value) => (clearTimeout(timer), settle(value));
		emitter.once(event, done(resolve)).once("connect_error", done(reject)).once("error", done(reject));
	});
}

async function connect(host, transport = "websocket", { at = "", ...options } = {}) {
	const socket = io(`${options.secure ? "https" : "http"}://127.0.0.1:${options.port ?? host.port}${at}`, { transports: [transport], forceNew: true, reconnection: false, ...options });
	await once(socket, "connect");
	return socket;
}

const connectMany = (host, n, options) => Promise.all(Array.from({ length: n }, (_, i) => connect(host, i % 2 ? "websocket" : "polling", options)));

// Whether what one client says with `event` comes back to all of them as that event
async function broadcasts(host, clients, event) {
	let heard = 0;
	for (const client of clients) client.on(event, () => heard++);
	await host.until(() => {
		clients[0].emit(event);
		return heard >= clients.length;
	}, "a broadcast at every client");
}

// Engine.IO by hand, each request on a connection of its own: a session that is not held at one worker fails.
async function pollingSession(host, { at = "/socket.io/", ...options } = {}) {
	const ask = async (url, more) => {
		const answer = await host.get(url, { ...options, ...more });
		if (answer.status !== 200) throw new Error(`polling: ${answer.status} ${answer.body}`);
		return answer.body;
	};
	const base = `${at}?EIO=4&transport=polling`;
	const { sid } = JSON.parse((await ask(base)).slice(1));
	await ask(`${base}&sid=${sid}`, { method: "POST", body: "40" });
	await ask(`${base}&sid=${sid}`);
	await ask(`${base}&sid=${sid}`, { method: "POST", body: "1" });
	return sid;
}

module.exports = { connect, connectMany, broadcasts, pollingSession, once, WebSocket };
