// Node's own way: a cluster primary with @socket.io/sticky and cluster-adapter, as their READMEs have it.
// STYLE=sticky as in worker.js; otherwise the workers listen and the primary hands connections to each in turn.
const cluster = require("cluster");
const http = require("http");
const path = require("path");
const { setupPrimary: setupAdapter } = require("@socket.io/cluster-adapter");
const { setupPrimary: setupSticky } = require("@socket.io/sticky");

setupAdapter();
cluster.setupPrimary({ exec: path.join(__dirname, "worker.js"), serialization: "advanced" });
if (process.env.STYLE === "sticky") {
	const httpServer = http.createServer();
	setupSticky(httpServer, { loadBalancingMethod: "least-connection" });
	httpServer.listen(process.env.PORT);
}
for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
