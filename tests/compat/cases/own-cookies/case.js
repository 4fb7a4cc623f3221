const assert = require("node:assert");

module.exports = {
	title: "Socket.IO's own cookie, CORS with credentials, and the preflight of a POST",
	kind: "address",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		const url = "/socket.io/?EIO=4&transport=polling";
		const { headers, body } = await host.get(url, { headers: { Origin: "https://shop.example" } });
		assert.match(headers["set-cookie"]?.[0] ?? "", /^io=.*SameSite=Lax/i);
		assert.strictEqual(headers["access-control-allow-origin"], "https://shop.example");
		const { sid } = JSON.parse(body.slice(1));
		const preflight = await host.get(`${url}&sid=${sid}`, { method: "OPTIONS", headers: { Origin: "https://shop.example", "Access-Control-Request-Method": "POST" } });
		assert.strictEqual(preflight.status, 204);
		assert.strictEqual(preflight.headers["access-control-allow-credentials"], "true");
	},
};
