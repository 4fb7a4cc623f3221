const assert = require("node:assert");

module.exports = {
	title: "listens at ::1 alone",
	kind: "listen",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers("/", { host: "::1" });
		const { address, port } = JSON.parse((await host.get("/", { host: "::1" })).body);
		assert.deepStrictEqual({ address, port }, { address: "::1", port: host.port });
		await assert.rejects(host.get("/", { timeout: 1000 }), /ECONNREFUSED/, "127.0.0.1 answers, too");
	},
	differs: { sioinit: { why: "the public port is open at every address", says: /listens at ::1 alone, but everybody reaches the public port/ } },
};
