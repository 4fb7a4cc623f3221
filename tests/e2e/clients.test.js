// Every socket.io-client that is still about, over every transport, against one server.
const test = require("node:test");
const assert = require("node:assert");
const { start } = require("./harness");
const { exercise } = require("./exercise");

const worker = { SIOINIT_WORKERS: "2", STICKY: "@socket.io/sticky", ADAPTER: "@socket.io/cluster-adapter" };

for (const [version, name] of [["4", "socket.io-client"], ["3", "socket.io-client-3"], ["2", "socket.io-client-2"]])
	test(`socket.io-client ${version}.x`, { timeout: 60000 }, async () => {
		const s = await start(["worker.js"], worker);
		try {
			await exercise(require(name), s.port);
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	});

test("all of them in one room", { timeout: 60000 }, async () => {
	const clients = ["socket.io-client", "socket.io-client-3", "socket.io-client-2"].map((name) => require(name));
	let n = 0;
	const s = await start(["worker.js"], worker);
	try {
		await exercise((...args) => clients[Math.trunc(n++ / 3)](...args), s.port, { n: 9 });
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
});
