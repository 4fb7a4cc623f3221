// Servers that listen on a port of their own, for peers that only proxy; `app` is a command
const { start, freePort, untilServing } = require("../processes.js");

module.exports = async function startServers(app, count) {
	const ports = await Promise.all(Array.from({ length: count }, freePort));
	for (const port of ports) start(app[0], app.slice(1), { PORT: port });
	const pids = await Promise.all(ports.map((port) => untilServing(port, 1)));
	return { ports, pids: pids.flat() };
};
