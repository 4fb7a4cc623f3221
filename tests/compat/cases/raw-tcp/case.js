const net = require("net");
const { text } = require("stream/consumers");

module.exports = {
	title: "speaks a protocol of its own at its port (net)",
	kind: "listen",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.workersThat(async () => {
			const said = await text(net.connect(host.port, "127.0.0.1"));
			return said.startsWith("hello") ? said : Promise.reject(new Error(`says "${said}"`));
		});
	},
};
