// HAProxy: one thread (script/scaling: several), learns each session from the handshake's body (bytes 9 to 28 are its id)
const fs = require("fs");
const path = require("path");
const startServers = require("./servers.js");
const { start, untilServing } = require("../processes.js");

const configuration = (port, servers, threads) => `
global
	nbthread ${threads}
	maxconn 9000
defaults
	mode http
	timeout connect 5s
	timeout client 60s
	timeout server 60s
	timeout tunnel 1h
frontend clients
	bind 127.0.0.1:${port} backlog 4096
	default_backend workers
backend workers
	balance leastconn
	option forwardfor
	stick-table type string len 20 size 200k expire 1h
	http-request set-var(txn.opens) bool(true) if { url_param(transport) polling } !{ url_param(sid) -m found }
	stick match url_param(sid)
	http-response wait-for-body time 1s at-least 29 if { var(txn.opens) -m bool }
	stick store-response res.body,bytes(9,20) if { var(txn.opens) -m bool }
${servers.map((p, i) => `	server w${i} 127.0.0.1:${p} pool-max-conn 64`).join("\n")}
`;

// Resolves with the pids when it serves
async function serve({ port, dir }, servers, threads) {
	const file = path.join(dir, "haproxy.cfg");
	fs.writeFileSync(file, configuration(port, servers, threads));
	const haproxy = start("haproxy", ["-db", "-f", file]);
	await untilServing(port, servers.length);
	return [haproxy.pid];
}

module.exports = [
	{
		name: "HAProxy",
		lacks: ["relay"],
		async start({ port, dir, app, count }) {
			const servers = await startServers(app, count);
			return { workers: servers.pids, routers: await serve({ port, dir }, servers.ports, 1) };
		},
	},
];
module.exports.serve = serve;
