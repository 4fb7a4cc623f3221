// Node's cluster primary with @socket.io/sticky and @socket.io/cluster-adapter
const path = require("path");
const { start, childrenOf, sleep, untilServing } = require("../processes.js");

module.exports = [
	{
		name: "node primary",
		lacks: ["tunnel"],
		async start({ port, count }) {
			const primary = start("node", [path.join(__dirname, "../primary.js")], { PORT: port, STYLE: "sticky", WORKERS: count });
			await untilServing(port, 1);
			await sleep(250 * count); // least-connection: the other workers answer nobody yet
			return { workers: childrenOf(primary.pid), routers: [primary.pid] };
		},
		async startMembers({ program, group }) {
			const script = path.join(__dirname, "../members_primary.js");
			const primary = group.start("node", [script, group.count, program("bench-member")]);
			group.reencodes = true;
			return { workers: await group.complete, routers: [primary.pid] };
		},
	},
];
