// Node's own way: a cluster primary with @socket.io/sticky and cluster-adapter, as their READMEs have it.
const cluster = require("cluster");
const http = require("http");
const path = require("path");
const { setupPrimary: setupAdapter } = require("@socket.io/cluster-adapter");
const { setupPrimary: setupSticky } = require("@socket.io/sticky");

const httpServer = http.createServer();
setupSticky(httpServer, { loadBalancingMethod: "least-connection" });
setupAdapter();
cluster.setupPrimary({ exec: path.join(__dirname, "worker.js"), serialization: "advanced" });
httpServer.listen(process.env.PORT);
for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
