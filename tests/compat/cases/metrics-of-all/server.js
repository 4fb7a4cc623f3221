const prom = require("prom-client");

const registry = new prom.AggregatorRegistry();
const asked = new prom.Counter({ name: "asked_total", help: "requests" });
require("http").createServer(async (req, res) => {
	if (req.url !== "/metrics") return asked.inc(), res.end(String(process.pid));
	res.end(await registry.clusterMetrics().catch((err) => err.message));
}).listen(process.env.PORT);
