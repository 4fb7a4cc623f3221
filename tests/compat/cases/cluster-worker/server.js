const cluster = require("cluster");

require("http").createServer((req, res) => {
	const { isPrimary, isMaster, isWorker, worker } = cluster;
	res.end(JSON.stringify({ isPrimary, isMaster, isWorker, id: worker?.id, connected: worker?.isConnected(), instance: process.env.NODE_APP_INSTANCE }));
}).listen(process.env.PORT);
