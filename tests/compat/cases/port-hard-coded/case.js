module.exports = {
	title: "listens at a port of its own choice, PORT is not set",
	kind: "listen",
	fast: true,
	app: "server.js",
	hosts: {
		sioinit: { args: ({ port }) => ["server.js", port] },
		pm2: null,
		node: { args: ({ port }) => ["server.js", port] },
	},
	env: () => ({ PORT: undefined }),
	check: (host) => host.answers(),
};
