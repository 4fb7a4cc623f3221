// Ends, errors and pieces of single sockets at moments that the kernel seldom chooses.
const test = require("node:test");
const assert = require("node:assert");
const { start, until, routerOf } = require("./harness");
const { wire } = require("./wire");

const get = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

async function serving(args, env, use) {
	const s = await start(args, { SIOINIT_ROUTERS: "1", SIOINIT_WORKERS: "1", ...env });
	const router = routerOf(s.pid);
	try {
		await use(s, router);
		assert.strictEqual(routerOf(s.pid), router, "the router is the same");
	} finally {
		assert.strictEqual(await s.stop(), 0);
	}
}

const bytes = (use, env = {}) => serving(["bytes.js"], { SIOINIT_DISPATCH: "port", ...env }, use);

// The pid of the worker once it has read the request
const asked = (s, path) => until(async () => Number(new RegExp(`asked ${path} pid=(\\d+)`).exec(s.out)?.[1]), `${path} to be read`);

// The router finds at once all that happens meanwhile
async function unseen(router, happens) {
	process.kill(router, "SIGSTOP");
	try {
		await happens();
	} finally {
		process.kill(router, "SIGCONT");
	}
}

test("a worker answers and resets: nobody else gets that connection", { timeout: 60000 }, () =>
	bytes(async (s, router) => {
		const w = wire(s.port).send(get("/reset"));
		const worker = await asked(s, "/reset");
		await unseen(router, async () => {
			process.kill(worker, "SIGUSR2");
			await until(async () => s.out.includes("reset\n"), "the reset");
		});
		assert.strictEqual((await w.response()).body, "ok");
		for (const other of [w, wire(s.port)]) {
			assert.strictEqual((await other.send(get("/")).response()).body, "hi\n");
			other.close();
		}
	}));

test("an app refuses an upload and drops the connection: the next one's request is answered", { timeout: 60000 }, () =>
	serving(["http.js"], {}, async (s) => {
		for (let i = 0; i < 60; i++) {
			const upload = wire(s.port).send(`POST /drop HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n${"p".repeat(300000)}`);
			assert.strictEqual((await upload.response()).status, 413);
			upload.close();
			const other = wire(s.port).send(get("/length"));
			assert.strictEqual((await other.response()).status, 200, `after ${i} uploads`);
			other.close();
		}
	}));
