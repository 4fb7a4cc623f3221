const assert = require("node:assert");
const net = require("net");
const { text } = require("stream/consumers");

async function ask(host, line, fields) {
	const socket = net.connect(host.port, "127.0.0.1");
	socket.write(`${line}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
	return JSON.parse((await text(socket)).split("\r\n\r\n")[1]);
}

// What a proxy adds to requests: who the client is
const added = /^(x-forwarded-(for|proto|host|port)|forwarded|via)$/i;

const fields = [["HOST", "shop.example:81"], ["X-a", "1"], ["x-A", "2"], ["Cookie", "b=1; a=2"], ["Accept", "*/*"], ["X-Empty", ""], ["Connection", "close"]];

module.exports = {
	title: "sees method, path and fields as they were sent, in their order",
	kind: "address",
	fast: true,
	app: "server.js",
	async check(host) {
		await host.answers();
		for (const target of ["/a//b/../c?x[]=1&y=%zz&y", "/%E2%9C%93?"]) {
			const seen = await ask(host, `GET ${target} HTTP/1.1`, fields);
			const pairs = seen.rawHeaders.flatMap((name, i) => (i % 2 || added.test(name) ? [] : [[name, seen.rawHeaders[i + 1]]]));
			assert.deepStrictEqual([seen.method, seen.url, seen.httpVersion], ["GET", target, "1.1"]);
			assert.deepStrictEqual(pairs.filter(([name]) => name !== "Connection"), fields.filter(([name]) => name !== "Connection"));
		}
	},
};
