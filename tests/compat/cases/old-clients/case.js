const assert = require("node:assert");
const net = require("net");
const { text } = require("stream/consumers");

module.exports = {
	title: "HTTP/1.0 without Host gets no chunks; two requests at once on one connection get two answers",
	kind: "address",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		const say = (what) => text(net.connect(host.port, "127.0.0.1").setNoDelay().on("connect", function () { this.write(what); }));
		const old = await say("GET / HTTP/1.0\r\n\r\n");
		assert.match(old, /^HTTP\/1\.[01] 200 /);
		assert.match(old, /\r\n\r\nin pieces$/);
		const two = await say("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
		assert.strictEqual(two.match(/HTTP\/1\.1 200 /g)?.length, 2);
	},
};
