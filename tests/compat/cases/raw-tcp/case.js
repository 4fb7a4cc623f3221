const net = require("net");
const { text } = require("stream/consumers");

async function ask(port) {
	const socket = net.connect(port, "127.0.0.1");
	socket.write("\0hello ");
	const answer = await text(socket);
	if (!/^\0hello \d+$/.test(answer)) throw new Error(`answers "${answer}"`);
	return answer;
}

module.exports = {
	title: "speaks a protocol of its own at its port (net)",
	kind: "listen",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.until(() => ask(host.port), "an answer");
		for (let i = 0; i < 4; i++) await ask(host.port);
	},
};
