module.exports = {
	title: "Kubernetes' service links (SIOINIT_PORT=tcp://…, for a Service of that name) break nothing",
	kind: "operations",
	fast: true,
	app: "server.js",
	hosts: { pm2: null, node: null },
	env: () => ({ SIOINIT_PORT: "tcp://10.0.0.7:80", SIOINIT_SERVICE_HOST: "10.0.0.7", SIOINIT_SERVICE_PORT: "80", SIOINIT_PORT_80_TCP: "tcp://10.0.0.7:80" }),
	check: (host) => host.answers(),
};
