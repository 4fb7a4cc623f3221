// What nothing that proxies or hands over can undercut, and one worker without anything in front of it; none can route
const startServers = require("./servers.js");
const { start, childrenOf, untilServing } = require("../processes.js");

module.exports = [
	{
		name: "no router",
		lacks: ["relay", "sessions", "tunnel", "nothing"],
		async start({ port, app }) {
			start(app[0], app.slice(1), { PORT: port });
			return { workers: await untilServing(port, 1), routers: [] };
		},
	},
	{
		name: "floor: proxy",
		lacks: ["relay", "sessions", "nothing"],
		async start({ port, app, program }) {
			const server = await startServers(app, 1);
			const proxy = start(program("bench-floor-proxy"), [port, server.ports[0]]);
			await untilServing(port, 1);
			return { workers: server.pids, routers: [proxy.pid] };
		},
	},
	{
		name: "floor: hand-off",
		lacks: ["poll", "post", "sessions", "tunnel", "nothing"],
		async start({ port, app, program }) {
			const handoff = start(program("bench-floor-handoff"), [port, app[1]], { STYLE: "sticky" });
			await untilServing(port, 2);
			return { workers: childrenOf(handoff.pid), routers: [handoff.pid] };
		},
	},
	{
		name: "floor: relay",
		async startMembers({ program, group }) {
			const relay = group.start(program("bench-floor-relay"), [group.count, program("bench-member")]);
			return { workers: await group.complete, routers: [relay.pid] };
		},
	},
];
