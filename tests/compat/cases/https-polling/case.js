const https = require("https");
const certificate = require("../../../e2e/certificate");
const { connect, once } = require("../../clients");

module.exports = {
	title: "Socket.IO on https in the app, polling and WebSocket",
	kind: "listen",
	fast: true,
	app: "server.js",
	env() {
		const { key, cert } = certificate();
		return { KEY: key, CERT: cert };
	},
	async check(host) {
		const ask = () => new Promise((resolve, reject) => https.get({ port: host.port, rejectUnauthorized: false, agent: false }, resolve).on("error", reject));
		await host.until(ask, "an answer");
		for (const transport of ["polling", "websocket", "polling", "websocket"]) {
			const socket = await connect(host, transport, { secure: true, rejectUnauthorized: false });
			const heard = once(socket, "hello");
			socket.emit("hello");
			await heard;
			socket.close();
		}
	},
	differs: { pm2: "polling is spread over the workers: session ID unknown" },
};
