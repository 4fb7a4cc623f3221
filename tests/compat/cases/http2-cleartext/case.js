const assert = require("node:assert");
const http2 = require("http2");
const { text } = require("stream/consumers");

async function ask(port) {
	const session = http2.connect(`http://127.0.0.1:${port}`);
	try {
		return await new Promise((resolve, reject) => {
			session.on("error", reject);
			const stream = session.request({ ":path": "/" });
			stream.on("error", reject);
			text(stream).then(resolve, reject);
		});
	} finally {
		session.destroy();
	}
}

module.exports = {
	title: "speaks HTTP/2 without TLS",
	kind: "listen",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.until(() => ask(host.port), "an answer");
		for (let i = 0; i < 4; i++) assert.match(await ask(host.port), /^h2 /);
	},
};
