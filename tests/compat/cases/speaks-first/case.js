const net = require("net");
const { text } = require("stream/consumers");

module.exports = {
	title: "speaks first at its port, before the client (as SMTP)",
	kind: "listen",
	fast: true,
	app: "server.js",
	env: () => ({ SIOINIT_HEADER_TIMEOUT: "1" }),
	check: (host) => host.until(async () => (await text(net.connect(host.port, "127.0.0.1"))) === "220 ready\n", "its greeting", 4000),
	differs: { sioinit: { why: "at another port than the public one it may", says: /meant to speak first/ } },
};
