const assert = require("node:assert");

module.exports = {
	title: "Express behind TLS of an ingress: secure cookie, no endless redirect, `req.ip`",
	kind: "address",
	app: "server.js",
	needs: ["express", "express-session"],
	async check(host) {
		const headers = { Host: "shop.example", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https" };
		const ask = (url) => host.get(url, { localAddress: "127.0.0.5", headers });
		await host.until(async () => (await ask("/login")).status < 500, "an answer");
		const login = await ask("/login");
		assert.strictEqual(login.body, "https shop.example 203.0.113.9");
		assert.match(login.headers["set-cookie"]?.[0] ?? "", /Secure/);
		assert.strictEqual((await ask("/page")).body, "page");
	},
	differs: { sioinit: { why: "X-Forwarded-* count from SIOINIT_TRUSTED_PROXIES only", says: /SIOINIT_TRUSTED_PROXIES/ } },
};
