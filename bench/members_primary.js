// Node's own relay: a cluster primary with cluster-adapter, and a program that is no Node as its workers.
//   node members_primary.js COUNT PROGRAM
const cluster = require("cluster");
const { setupPrimary } = require("@socket.io/cluster-adapter");

const [count, program] = process.argv.slice(2);
process.execPath = program; // what fork() executes
setupPrimary();
cluster.setupPrimary({ exec: program, execArgv: [], serialization: "advanced" });
for (let i = 0; i < Number(count); i++) cluster.fork();
