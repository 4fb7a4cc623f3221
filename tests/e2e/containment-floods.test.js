// A worker that writes as fast as it can and never reads is the one that is replaced, whatever it writes; one that claims to
// have taken what it was never sent takes nothing.
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const net = require("net");
const path = require("path");
const { withCluster, Voices, assertFetches, within, until, sleep, temporary, MB } = require("./cluster");
const { works } = require("./harness");

async function flooded(kind, ms, env, grown) {
	await withCluster(3, { SIOINIT_LAG_WARN: "5", ...env }, async (s) => {
		const [a, b, c] = await s.everywhere();
		const bystanders = [await s.at(0), await s.at(1)];
		const voices = new Voices(s, [a, b], [a, b], 2000, 50);
		await voices.begin();
		await voices.calm(1500);
		const began = s.peakBegins();
		c.emit("flood", kind, ms);
		await s.replaced(2, c.where.pid, 45000);
		const growth = s.peak() - began;
		assert.ok(growth <= grown, `init grew by ${(growth / MB).toFixed(1)} MiB`);
		await voices.end();
		assert.deepStrictEqual(bystanders.map((x) => x.lost), [null, null]);
		assert.deepStrictEqual((await s.workers()).slice(0, 2).map((w) => w.pid), [a.where.pid, b.where.pid], "the others live on");
		for (const x of [a, b]) await assertFetches(x);
		const next = await s.at(2);
		const word = Promise.all([a, b].map((x) => new Promise((resolve) => x.once("all", resolve))));
		next.emit("all", "well again");
		assert.deepStrictEqual(await within(word, "the word of the next worker"), ["well again", "well again"]);
	});
}

for (const mode of ["advanced", "json"]) {
	test(`a worker that asks and never reads (${mode})`, { timeout: 120000 }, async () => {
		await flooded("ask", 10000, { SIOINIT_SERIALIZATION: mode, SIOINIT_HANG_TIMEOUT: "15" }, 16 * MB);
	});
}

test("a worker that floods the others with broadcasts", { timeout: 120000 }, async () => {
	await flooded("broadcast", 20000, { SIOINIT_RELAY_MEMORY: String(48 * MB) }, 48 * MB + 24 * MB);
});

for (const [mode, written] of [["advanced", 100000], ["advanced", 61e6], ["json", 40e6]]) {
	test(`a worker that begins a frame as large as the relay's memory and stays silent after ${written} bytes (${mode})`, { timeout: 60000 }, async () => {
		await withCluster(3, { SIOINIT_SERIALIZATION: mode, SIOINIT_RELAY_MEMORY: String(64 * MB), SIOINIT_LAG_WARN: "5" }, async (s) => {
			const [a, b, c] = await s.everywhere();
			const voices = new Voices(s, [a, b], [a, b], 50000, 20);
			await voices.begin();
			await voices.calm(1500);
			c.emit("begin", 64 * MB - 60000, written);
			await sleep(5000);
			voices.assertNoPause("while a frame is not ended");
			await voices.end();
			assert.deepStrictEqual((await s.workers()).slice(0, 2).map((w) => w.pid), [a.where.pid, b.where.pid], "the others live on");
		});
	});
}

const WEBSOCKET = ["GET /here HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==", "", ""].join("\r\n");

// A WebSocket's upgrade by hand; .answers are who answered it, .local its port.
async function upgrade(port) {
	const socket = net.connect(port, "127.0.0.1");
	await within(new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject)), "a connection");
	const c = { socket, local: socket.localPort, answers: [], text: "" };
	socket.on("data", (d) => (c.text += d));
	socket.on("error", () => {});
	socket.write(WEBSOCKET);
	return c;
}
const answeredBy = (c) => [...c.text.matchAll(/x-worker: (\d+)/gi)].map((m) => Number(m[1]));

const python = works("python3", "--version") && "python3";

test("a worker that says it took connections it was not sent", { timeout: 60000, skip: python ? false : "no python3" }, async () => {
	const folder = temporary();
	const file = (name) => path.join(folder, name);
	const is = (name, what) => until(async () => fs.existsSync(file(name)), what);
	const go = (name) => fs.writeFileSync(file(name), "");
	const clients = [];
	const one = '[ "$SIOINIT_SLOT" = 0 ] && exec python3 liar.py'; // by a name that inherits the channel
	fs.writeFileSync(file("node"), `#!/bin/sh\n${one}\nexec node "$@"\n`, { mode: 0o755 });
	const env = { SIOINIT_SERIALIZATION: "json", SIOINIT_DISPATCH: "listen", FOLDER: folder, SIOINIT_PING_INTERVAL: "0" };
	try {
		await withCluster(3, env, async (s) => {
			await is("ready", "the liar to be there");
			const first = [];
			await until(async () => first.push(await upgrade(s.sioinit.port)) && fs.existsSync(file("listening")), "each to have answered an upgrade");
			for (const c of first) c.socket.destroy();
			// until it has been given some, which stand in its queue
			for (let i = 0; i < 12; i++) clients.push(await upgrade(s.sioinit.port));
			await until(async () => clients.filter((c) => answeredBy(c).length === 1).length >= 6, "the others' clients");
			go("claim");
			// replaced for the first one that tells, or heard to the end
			const caught = () => /worker\[0\]: accepts sockets that it was not sent; it is replaced/.test(s.sioinit.log);
			await until(async () => fs.existsSync(file("claimed")) || caught(), "its claims");
			// the others' next connections stay a while at init, where the liar's would be sent from
			go("block");
			for (let i = 0; i < 12; i++) clients.push(await upgrade(s.sioinit.port));
			go("read");
			await until(async () => fs.existsSync(file("read-all")) || caught(), "what it was sent");
			const taken = (fs.existsSync(file("taken")) ? fs.readFileSync(file("taken"), "utf8") : "").trim().split("\n").filter(Boolean).map(Number);
			const liar = caught() ? undefined : (await s.workers()).find((w) => w.slot === 0).pid;
			const waiting = () => clients.filter((c) => !answeredBy(c).length && !taken.includes(c.local) && !c.socket.destroyed);
			if (liar) s.signal(liar, "SIGKILL");
			await until(async () => waiting().length === 0, "an answer or an end for the liar's clients", 10000).catch((err) => {
				throw new Error(`${err.message}: ${waiting().length} of ${clients.length} wait; ${taken.length} were taken`);
			});
			for (const c of clients.filter((x) => answeredBy(x).length)) assert.ok(!taken.includes(c.local), `port ${c.local} was answered by worker ${answeredBy(c)} and handed to the liar, too`);
			for (const c of clients) assert.ok(answeredBy(c).length <= 1, "answered once");
			for (const port of taken) assert.ok(clients.some((c) => c.local === port), `a descriptor that is no client's was handed over: ${port}`);
			const workers = await s.workers();
			assert.ok(workers.filter((w) => w.slot > 0).every((w) => w.state === "ready" && w.starts === 1), "the honest live on");
			const after = [];
			await until(async () => clients.push(after[after.push(await upgrade(s.sioinit.port)) - 1]) && after.some((c) => answeredBy(c).length === 1), "the next clients of the honest");
		}, ["--", file("node"), "honest.js"]);
	} finally {
		clients.forEach((c) => c.socket.destroy());
		fs.rmSync(folder, { recursive: true });
	}
});
