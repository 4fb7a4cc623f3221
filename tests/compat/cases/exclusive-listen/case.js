module.exports = {
	title: "listens with `exclusive: true`, one worker",
	kind: "listen",
	fast: true,
	app: "server.js",
	workers: 1,
	check: (host) => host.answers(),
	differs: { sioinit: { why: "SIOINIT_DISPATCH=port is needed", says: /SIOINIT_DISPATCH=port/ } },
};
