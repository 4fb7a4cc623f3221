const dgram = require("dgram");
const { once } = require("events");

module.exports = {
	title: "binds a UDP port (dgram)",
	kind: "listen",
	fast: true,
	app: "server.js",
	env: ({ other }) => ({ UDP_PORT: other }),
	async check(host) {
		await host.answers();
		const client = dgram.createSocket("udp4");
		const answer = once(client, "message");
		await host.until(() => (client.send("ping", host.other), Promise.race([answer, new Promise((r) => setTimeout(r, 200))])), "an answer");
		client.close();
	},
};
