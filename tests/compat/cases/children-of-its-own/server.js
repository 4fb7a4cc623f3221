// A forked child with a channel of its own, and a plain one, which must not think it had one
const { execFile, fork } = require("child_process");
const http = require("http");

const child = fork("child.js");
const waiting = [];
child.on("message", (sum) => waiting.shift()(sum));
const add = (numbers) => new Promise((resolve) => (waiting.push(resolve), child.send(numbers)));

http.createServer(async (req, res) => {
	const sum = await add([20, 22]);
	execFile(process.execPath, ["-p", "Boolean(process.send) + ' ' + require('cluster').isPrimary"], (err, out) => res.end(err ? err.message : `${sum} ${out}`));
}).listen(process.env.PORT);
process.on("exit", () => child.kill());
