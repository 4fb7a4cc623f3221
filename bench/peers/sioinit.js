// sioinit, with an app that calls listen() and with one that calls setupWorker()
const { start, childrenOf, untilServing } = require("../processes.js");

const sioinit = (name, style, lacks) => ({
	name,
	lacks,
	async start({ port, binary, app, count, dispatch = "auto" }) {
		const command = app[0] === "node" ? app.slice(1) : ["--", ...app];
		const init = start(binary, command, {
			SIOINIT_PORT: port,
			SIOINIT_ADMIN: "off",
			SIOINIT_WORKERS: count,
			SIOINIT_DISPATCH: dispatch,
			STYLE: style,
			PORT: port,
		});
		const workers = await untilServing(port, count);
		return { workers, routers: [init.pid, ...childrenOf(init.pid).filter((pid) => !workers.includes(pid))] };
	},
});

// As Node workers that call listen(), which are pinged
async function startMembers({ port, binary, program, group }) {
	const init = group.start(binary, ["--", "sh", "-c", `exec ${program("bench-member")}`], {
		SIOINIT_PORT: port,
		SIOINIT_ADMIN: "off",
		SIOINIT_WORKERS: group.count,
		SIOINIT_DISPATCH: "listen",
		SIOINIT_SERIALIZATION: "advanced",
		PORT: port,
	});
	const workers = await group.complete;
	return { workers, routers: [init.pid, ...childrenOf(init.pid).filter((pid) => !workers.includes(pid))] };
}

module.exports = [{ ...sioinit("sioinit", "listen"), startMembers }, sioinit("sioinit, setupWorker()", "sticky", ["tunnel"])];
