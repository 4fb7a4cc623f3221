const { Worker, isMainThread, parentPort } = require("worker_threads");

if (!isMainThread) parentPort.on("message", (n) => parentPort.postMessage(n * 2));
else {
	const thread = new Worker(__filename);
	require("http").createServer((req, res) => {
		thread.once("message", (n) => res.end(String(n)));
		thread.postMessage(21);
	}).listen(process.env.PORT);
}
