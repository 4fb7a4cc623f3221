const assert = require("node:assert");
const zlib = require("zlib");
const http = require("http");
const { buffer } = require("stream/consumers");

module.exports = {
	title: "express.static, sendFile, ranges, If-None-Match, compression",
	kind: "framework",
	app: "server.js",
	needs: ["express", "compression"],
	async check(host) {
		await host.answers("/page.html");
		const page = await host.get("/page.html");
		assert.strictEqual((await host.get("/file")).body, page.body);
		assert.strictEqual((await host.get("/page.html", { headers: { Range: "bytes=1-5" } })).body, page.body.slice(1, 6));
		assert.strictEqual((await host.get("/page.html", { headers: { "If-None-Match": page.headers.etag } })).status, 304);
		const res = await new Promise((resolve) => http.get({ port: host.port, host: "127.0.0.1", path: "/page.html", headers: { "Accept-Encoding": "gzip" } }, resolve));
		assert.strictEqual(String(zlib.gunzipSync(await buffer(res))), page.body);
	},
};
