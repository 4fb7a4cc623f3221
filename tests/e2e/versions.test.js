// Every Node that is still about x both generations of @socket.io/sticky and cluster-adapter x CommonJS and ES modules;
// and the last ones whose advanced IPC channels can stall, with the packages of today.
const test = require("node:test");
const assert = require("node:assert");
const path = require("path");
const { io } = require("socket.io-client");
const { start } = require("./harness");
const { exercise } = require("./exercise");

const today = { STICKY: "@socket.io/sticky", ADAPTER: "@socket.io/cluster-adapter" };
const before = { STICKY: "sticky-1", ADAPTER: "cluster-adapter-0.2" };
const combinations = ["18", "20", "22", "24", "26"].flatMap((node) => [today, before].flatMap((packages) => ["worker.js", "worker.mjs"].map((file) => ({ node, packages, file }))));
const stalling = ["20.18", "22.13"].map((node) => ({ node, packages: today, file: "worker.js" }));
const skip = process.arch !== "x64" && "the npm packages of Node are for x64";

for (const { node, packages, file } of [...combinations, ...stalling])
	test(`Node ${node}, ${Object.values(packages).join(", ")}, ${file}`, { skip, timeout: 60000 }, async () => {
		const bin = path.join(__dirname, `versions/node_modules/node${node}/bin`);
		const s = await start([file], { SIOINIT_WORKERS: "2", PATH: `${bin}:${process.env.PATH}`, ...packages });
		try {
			assert.ok(s.out.includes(`worker on Node v${node}.`), s.out);
			await exercise(io, s.port);
		} finally {
			assert.strictEqual(await s.stop(), 0);
		}
	});
