const assert = require("node:assert");
const http = require("http");
const { text } = require("stream/consumers");

function ask(host, path) {
	return new Promise((resolve, reject) => {
		let hints;
		const req = http.get({ host: "127.0.0.1", port: host.port, path, agent: false }, async (res) => {
			const body = await text(res);
			resolve({ status: res.statusCode, reason: res.statusMessage, headers: res.headers, body, trailers: res.trailers, hints });
		});
		req.on("information", ({ statusCode }) => (hints = statusCode)).on("error", reject);
	});
}

module.exports = {
	title: "204, 304, early hints, trailers, two cookies, a head of 12 kB, its own reason: as the app sent them",
	kind: "address",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		assert.strictEqual((await ask(host, "/none")).status, 204);
		assert.strictEqual((await ask(host, "/unchanged")).headers.etag, '"x"');
		assert.deepStrictEqual((await ask(host, "/cookies")).headers["set-cookie"], ["a=1; Path=/", "b=2; HttpOnly"]);
		assert.strictEqual((await ask(host, "/reason")).reason, "Short and stout");
		assert.strictEqual((await ask(host, "/large-head")).body, "large");
		assert.strictEqual((await ask(host, "/early")).hints, 103);
		assert.deepStrictEqual((await ask(host, "/trailers")).trailers, { "x-sum": "7" });
	},
};
