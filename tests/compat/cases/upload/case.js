const assert = require("node:assert");
const crypto = require("crypto");
const http = require("http");
const { text } = require("stream/consumers");

function send(host, body, headers) {
	return new Promise((resolve, reject) => {
		const req = http.request({ host: "127.0.0.1", port: host.port, method: "POST", headers, agent: false }, (res) => text(res).then(resolve, reject));
		req.on("error", reject).on("continue", () => req.end(body));
		if (!headers.Expect) req.end(body);
	});
}

module.exports = {
	title: "takes 20 MB of binary: with a length, in chunks, and after Expect: 100-continue",
	kind: "address",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		const body = crypto.randomBytes(20 << 20);
		const wanted = crypto.createHash("sha256").update(body).digest("hex");
		for (const headers of [{ "Content-Length": body.length }, { "Transfer-Encoding": "chunked" }, { "Content-Length": body.length, Expect: "100-continue" }])
			assert.strictEqual(await send(host, body, headers), wanted);
	},
};
