const { once } = require("events");
const net = require("net");
const path = require("path");
const assert = require("node:assert");
const { checkFramework } = require("../../framework_check");

// Nest's TCP transport: LENGTH#JSON
async function remotePid(port) {
	const socket = net.connect(port, "127.0.0.1");
	const question = JSON.stringify({ pattern: "pid", data: null, id: "1" });
	socket.write(`${question.length}#${question}`);
	const closed = once(socket, "close").then(() => Promise.reject(new Error("closed")));
	const [answer] = await Promise.race([once(socket, "data"), closed]);
	socket.destroy();
	return JSON.parse(String(answer).replace(/^\d+#/, "")).response;
}

module.exports = {
	title: "NestJS, hybrid: HTTP, Socket.IO and a TCP microservice",
	kind: "framework",
	seconds: 90,
	packages: path.join(__dirname, "../../frameworks/nestjs"),
	folder: path.join(__dirname, "../../frameworks/nestjs"),
	app: "dist/main.js",
	env: ({ other }) => ({ HYBRID: other }),
	hosts: { pm2: null },
	async check(host) {
		await host.until(() => remotePid(host.other), "an answer of the microservice");
		const pids = await host.workersThat(() => remotePid(host.other));
		assert.strictEqual(pids.length, host.workers);
		await checkFramework(host);
	},
};
