// nginx: one worker process (script/scaling: several), keep-alive to the servers, sticky by the client's address
const fs = require("fs");
const path = require("path");
const startServers = require("./servers.js");
const { start, childrenOf, untilServing } = require("../processes.js");

const configuration = (port, servers, dir, processes) => `
daemon off;
user root;
worker_processes ${processes};
pid ${dir}/nginx.pid;
error_log ${dir}/nginx.log;
events { worker_connections 16384; }
http {
	access_log off;
	client_max_body_size 4m;
	client_body_temp_path ${dir}/body;
	proxy_temp_path ${dir}/proxy;
	fastcgi_temp_path ${dir}/fastcgi;
	uwsgi_temp_path ${dir}/uwsgi;
	scgi_temp_path ${dir}/scgi;
	keepalive_requests 1000000;
	map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
	upstream workers {
		hash $remote_addr consistent;
		${servers.map((p) => `server 127.0.0.1:${p};`).join(" ")}
		keepalive 64;
		keepalive_requests 1000000;
	}
	server {
		listen 127.0.0.1:${port} backlog=4096;
		location / {
			proxy_pass http://workers;
			proxy_http_version 1.1;
			proxy_set_header Host $host;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
		}
	}
}
`;

// Resolves with the pids when it serves
async function serve({ port, dir }, servers, processes) {
	const file = path.join(dir, "nginx.conf");
	fs.writeFileSync(file, configuration(port, servers, dir, processes));
	const nginx = start("nginx", ["-c", file, "-e", `${dir}/nginx.log`]);
	await untilServing(port, 1);
	return [nginx.pid, ...childrenOf(nginx.pid)];
}

module.exports = [
	{
		name: "nginx",
		lacks: ["relay"],
		async start({ port, dir, app, count }) {
			const servers = await startServers(app, count);
			return { workers: servers.pids, routers: await serve({ port, dir }, servers.ports, 1) };
		},
	},
];
module.exports.serve = serve;
