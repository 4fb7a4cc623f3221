// sioinit, with an app that calls listen() and with one that calls setupWorker()
const { start, childrenOf, untilServing } = require("../processes.js");

const sioinit = (name, style) => ({
	name,
	async start({ port, binary, worker }) {
		const init = start(binary, [worker], {
			SIOINIT_PORT: port,
			SIOINIT_ADMIN: "off",
			SIOINIT_WORKERS: 2,
			STYLE: style,
			PORT: port,
		});
		const workers = await untilServing(port, 2);
		return { workers, routers: [init.pid, ...childrenOf(init.pid).filter((pid) => !workers.includes(pid))] };
	},
});

module.exports = [sioinit("sioinit", "listen"), sioinit("sioinit, setupWorker()", "sticky")];
