// Records what real workers write to their channels: every kind of message of Node's cluster module, @socket.io/sticky, both
// cluster-adapters, cluster-engine and prom-client, and every kind of value, in both serializations. One payload a file, as
// fuzz_node reads them, and whole streams for fuzz_channel. Needs the packages of tests/e2e.
//
//   node tests/fuzz/capture.js DIR        writes DIR/messages/*, DIR/values/* and DIR/channel/*
//   cp DIR/messages/* tests/fuzz/corpus/node        one of each shape
//   build/fuzz/fuzz_node -merge=1 tests/fuzz/corpus/node DIR/values        those that reach something new
const cluster = require("node:cluster");
const crypto = require("node:crypto");
const dgram = require("node:dgram");
const { once } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { createRequire } = require("node:module");

const packages = createRequire(path.join(__dirname, "../e2e/package.json"));
const values = require("./values");
const STREAM_MAX = 4096;

const { ADAPTER, STICKY } = process.env;
const tell = (message, handle) => new Promise((done) => process.send(message, handle, done));

// The worker's part

function startSocketIo() {
	const { Server } = packages("socket.io");
	const server = http.createServer();
	const io = new Server(server);
	io.adapter(packages(ADAPTER).createAdapter());
	io.on("connection", (socket) => {
		socket.join("some room");
		socket.data = { name: "€", at: new Date(0) };
	});
	io.on("news", () => {});
	io.on("question", (_, answer) => answer("an answer"));
	packages(STICKY).setupWorker(io);
	return io;
}

async function everyAdapterMessage(io) {
	io.emit("text", "x", { a: [1, null] }, "€");
	io.emit("bytes", Buffer.from([0, 1, 254, 255]), new Uint8Array([9, 8]));
	io.to("some room").except("another").volatile.compress(false).emit("rooms");
	io.of("/chat").emit("in a namespace");
	await new Promise((done) => io.timeout(300).emit("please acknowledge", 1, done));
	io.socketsJoin("a room");
	io.in("a room").socketsLeave("a room");
	io.in("nobody").disconnectSockets(true);
	await io.fetchSockets();
	io.serverSideEmit("news", 1);
	await new Promise((done) => io.serverSideEmit("question", 2, done));
}

const engine = (type, data, rest) => ({ requestId: 7, senderId: "0a1b2c", type, data, ...rest, _source: "_eio" });
const packet = { type: "message", data: "2[\"x\"]", options: { compress: true } };

async function everyOtherMessage() {
	const to = { recipientId: "3d4e5f" };
	await tell("ready");
	await tell(engine(0, { sid: "AAAAAAAAAAAAAAAAAAAA", transportName: "polling", type: "read" }));
	await tell(engine(1, { success: true }, to));
	await tell(engine(2, { sid: "AAAAAAAAAAAAAAAAAAAA", packets: [packet] }, to));
	await tell(engine(3, { sid: "AAAAAAAAAAAAAAAAAAAA", packet: { ...packet, data: Buffer.from("x") } }, to));
	await tell(engine(6, { sid: "AAAAAAAAAAAAAAAAAAAA", reason: "transport close" }, to));
	const metric = { help: "h", name: "n_total", type: "counter", values: [{ value: 1, labels: { code: 200 } }], aggregator: "sum" };
	await tell({ type: "prom-client:getMetricsRes", requestId: 0, metrics: [[metric]] });
	await tell({ type: "prom-client:getMetricsRes", requestId: 1, error: "failed" });
	for (const value of values.kinds()) await tell({ type: "kind", value, again: [value, value] }).catch(() => {});
}

async function everyServer() {
	const unix = path.join(os.tmpdir(), `capture-${process.pid}.sock`);
	const handler = (socket) => socket.on("error", () => {}).end("x");
	const servers = [];
	for (const where of [{ port: 0 }, { port: 0, host: "127.0.0.1", backlog: 5 }, { port: 0, host: "::1", ipv6Only: true },
		{ path: unix, readableAll: true, writableAll: true }]) {
		const server = net.createServer(handler).on("error", () => {}).listen(where);
		await Promise.race([once(server, "listening"), once(server, "close"), new Promise((done) => setTimeout(done, 500))]);
		if (server.listening) servers.push(server);
	}
	for (const server of servers.slice(0, 2)) {
		const client = net.connect(server.address().port, "127.0.0.1").on("error", () => {});
		await once(client.resume(), "close");
	}
	const client = net.connect(servers[0].address().port, "127.0.0.1").on("error", () => {});
	await once(client, "connect");
	await tell("a handle", client);
	for (const type of ["udp4", "udp6"]) {
		const socket = dgram.createSocket(type);
		socket.on("error", () => socket.close()).bind(0, () => socket.close());
		await once(socket, "close");
	}
	for (const server of servers) await new Promise((done) => server.close(done));
}

async function worker() {
	const io = ADAPTER && startSocketIo();
	process.on("message", async (message) => {
		if (message === "begin" && io) await everyAdapterMessage(io);
		else if (message === "begin") await Promise.all([everyOtherMessage(), everyServer()]);
		if (message === "begin") await tell("done");
		if (message === "leave" && io) io.close();
		if (message === "leave") cluster.worker.disconnect();
	});
	await tell("up");
}

// The primary's part: Node's own, listening in

class Recorder {
	constructor(mode, dir) {
		Object.assign(this, { mode, dir, seen: new Set() });
	}

	// All that comes through @worker's channel, as it comes, but for a NODE_HANDLE_NACK, by which Node's primary would be
	// surprised: it has sent no handle. Resolves when there is one.
	follow(worker) {
		let refused;
		const symbols = Object.getOwnPropertySymbols(worker.process);
		const channel = worker.process[symbols.find((s) => s.description === "kChannelHandle")];
		const { onread } = channel;
		const chunks = [];
		channel.onread = function (bytes, ...rest) {
			if (bytes) chunks.push(Buffer.from(bytes.slice(0)));
			if (!bytes || !Buffer.from(bytes).includes("NODE_HANDLE_NACK")) return onread.call(this, bytes, ...rest);
			return refused();
		};
		worker.on("exit", () => this.write(Buffer.concat(chunks)));
		return new Promise((resolve) => (refused = resolve));
	}

	save(folder, bytes) {
		const name = crypto.createHash("sha1").update(bytes).digest("hex");
		fs.writeFileSync(path.join(this.dir, folder, name), bytes);
	}

	// Of messages of the same shape one is enough.
	write(stream) {
		const mark = this.mode === "json" ? "0" : "1";
		this.save("channel", Buffer.concat([Buffer.from(mark + "7"), stream.subarray(0, STREAM_MAX)]));
		for (const payload of values.split(this.mode, stream)) {
			const message = values.read(this.mode, payload);
			const isValue = message?.type === "kind";
			const shape = isValue ? payload.toString("latin1") : values.shapeOf(message);
			const entry = Buffer.concat([Buffer.from(mark), payload]);
			if (!this.seen.has(shape)) this.save(isValue ? "values" : "messages", entry);
			this.seen.add(shape);
		}
	}
}

const hears = (w, wanted) => new Promise((done) => w.on("message", (message) => message === wanted && done()));

async function twoClients(port) {
	const { io } = packages("socket.io-client");
	const clients = [["websocket"], ["polling", "websocket"]].map((transports) =>
		io(`http://127.0.0.1:${port}`, { transports, forceNew: true }));
	for (const client of clients) {
		client.on("please acknowledge", (_, acknowledge) => acknowledge("yes"));
		if (!client.connected) await once(client, "connect");
	}
	return clients;
}

async function run(recorder, env) {
	for (const event of ["message", "exit"]) cluster.removeAllListeners(event);
	cluster.on("message", (_, message, handle) => handle?.destroy());
	cluster.setupPrimary({ serialization: recorder.mode, exec: __filename });
	if (env.ADAPTER) packages(env.ADAPTER).setupPrimary();
	const workers = [1, 2].map(() => cluster.fork(env));
	const refusals = workers.map((w) => recorder.follow(w));
	await Promise.all(workers.map((w) => hears(w, "up")));
	const server = http.createServer();
	let clients = [];
	if (env.STICKY) {
		packages(env.STICKY).setupMaster(server, { loadBalancingMethod: "round-robin" });
		await once(server.listen(0, "127.0.0.1"), "listening");
		clients = await twoClients(server.address().port);
	}
	for (const w of workers) {
		const done = hears(w, "done");
		w.send("begin");
		await done;
	}
	for (const client of clients) client.close();
	for (const w of workers) w.process.send({ cmd: "NODE_HANDLE", type: "net.Native", msg: {} });
	await Promise.all(refusals);
	const left = workers.map((w) => once(w, "exit"));
	for (const w of workers) w.send("leave");
	await Promise.all(left);
	server.close();
}

async function primary(dir) {
	for (const folder of ["messages", "values", "channel"]) fs.mkdirSync(path.join(dir, folder), { recursive: true });
	for (const mode of ["json", "advanced"]) {
		const recorder = new Recorder(mode, dir);
		const STICKY = mode === "json" ? "sticky-1" : "@socket.io/sticky"; /* 2.x sends Buffers */
		await run(recorder, { ADAPTER: "@socket.io/cluster-adapter", STICKY });
		await run(recorder, { ADAPTER: "cluster-adapter-0.2", STICKY });
		await run(recorder, {});
	}
	process.exit();
}

if (cluster.isPrimary) primary(process.argv[2]);
else worker();
