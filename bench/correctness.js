// Polling sessions over connections as they come in practice: how many requests fail?
const net = require("net");
const { sleep } = require("./processes.js");

const TIMEOUT_MS = 2000;
const POLLING = "/socket.io/?EIO=4&transport=polling";

function parseResponse(text) {
	const end = text.indexOf("\r\n\r\n");
	if (end < 0) return undefined;
	const head = text.slice(0, end);
	const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] || 0);
	if (text.length < end + 4 + length) return undefined;
	return {
		status: Number(head.slice(9, 12)),
		closes: /connection: *close/i.test(head),
		body: text.slice(end + 4, end + 4 + length),
		size: end + 4 + length,
	};
}

// A client connection: requests in order, opened again when the server has closed it
class Connection {
	constructor(port, localAddress) {
		Object.assign(this, { port, localAddress, input: "", waiting: [] });
	}

	open() {
		const socket = net.connect({ port: this.port, host: "127.0.0.1", localAddress: this.localAddress });
		this.socket = socket.setNoDelay();
		this.input = "";
		socket.setEncoding("latin1").on("data", (data) => this.socket === socket && this.read(data));
		socket.on("error", () => {}).on("close", () => this.socket === socket && this.end());
	}

	read(data) {
		this.input += data;
		for (let response; (response = parseResponse(this.input)); ) {
			this.input = this.input.slice(response.size);
			if (response.closes && this.waiting.length === 1) this.socket = undefined;
			this.waiting.shift()?.(response);
		}
	}

	end() {
		this.socket = undefined;
		for (const answer of this.waiting.splice(0)) answer({ status: "closed" });
	}

	close() {
		this.socket?.destroy();
	}

	// Sends the pieces one after the other; as many responses as requests
	async exchange(pieces, requests = 1) {
		if (!this.socket) this.open();
		const socket = this.socket;
		const responses = Promise.all(
			Array.from({ length: requests }, () => new Promise((resolve) => this.waiting.push(resolve)))
		);
		const timer = setTimeout(() => {
			this.close();
			this.end();
		}, TIMEOUT_MS);
		for (const piece of pieces) {
			if (piece !== pieces[0]) await sleep(20);
			socket.write(piece);
		}
		return responses.finally(() => clearTimeout(timer));
	}
}

const get = (sid) => `GET ${POLLING}${sid ? `&sid=${sid}` : ""} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

function post(sid, body) {
	return (
		`POST ${POLLING}&sid=${sid} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain;charset=UTF-8\r\n` +
		`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
	);
}

// One session; `send` puts requests on some connection, in some way
async function session(count, send, text) {
	const check = async (requests, expected) => {
		count.requests += requests.length;
		const responses = await send(requests);
		responses.forEach(({ status, body }, i) => {
			if (status === 200 && expected[i].test(body)) return;
			count.failed++;
			throw new Error(`${status} ${body}`);
		});
		return responses[0].body;
	};
	const both = async (sid, body, expected) => {
		if (send.pipelines) return check([post(sid, body), get(sid)], [/^ok$/, expected]);
		await check([post(sid, body)], [/^ok$/]);
		return check([get(sid)], [expected]);
	};
	const { sid } = JSON.parse((await check([get()], [/^0\{/])).slice(1));
	await both(sid, "40", /^40/);
	for (let i = 1; i <= 4; i++)
		await both(sid, `42${i}["length","${text}"]`, new RegExp(`^43${i}\\[${text.length}\\]$`));
}

const whole = (requests) => [requests.join("")];
const cutAt = (marker, offset) => (requests) => {
	const at = requests[0].indexOf(marker);
	return at < 0 ? requests : [requests[0].slice(0, at + offset), requests[0].slice(at + offset)];
};

// An ingress: a few connections for everybody's requests, whichever is free
function pool(sources) {
	return (port) => {
		const free = Array.from({ length: 8 }, (_, i) => new Connection(port, `127.0.1.${1 + (i % sources)}`));
		const waiting = [];
		return () => ({
			async send(requests) {
				const connection = free.shift() || (await new Promise((resolve) => waiting.push(resolve)));
				try {
					return await connection.exchange(whole(requests), requests.length);
				} finally {
					waiting.length ? waiting.shift()(connection) : free.push(connection);
				}
			},
			close() {},
		});
	};
}

// Clients: each has a connection of its own, or a new one per request
function clients({ pieces = whole, fresh = false, pipelines = false }) {
	return (port) => (i) => {
		let connection;
		const send = async (requests) => {
			if (fresh) connection?.close();
			if (fresh || !connection) connection = new Connection(port, `127.0.1.${1 + (i % 16)}`);
			return connection.exchange(pieces(requests), requests.length);
		};
		return { send: Object.assign(send, { pipelines }), close: () => connection?.close() };
	};
}

const long = "é€".repeat(20000); // 100 KB of UTF-8
const variants = [
	{ name: "ingress, 1 address", connections: pool(1) },
	{ name: "ingress, 4 addresses", connections: pool(4) },
	{ name: "own connections", connections: clients({}) },
	{ name: "new connections, at once", connections: clients({ fresh: true }) },
	{ name: "head in 2 segments", connections: clients({ pieces: cutAt("transport=", 0) }) },
	{ name: "body in 2 segments", connections: clients({ pieces: cutAt("\r\n\r\n", 4) }) },
	{ name: "pipelined", connections: clients({ pipelines: true }) },
	{ name: "100 KB of UTF-8", connections: clients({}), text: long, sessions: 16 },
];

// Eight sessions at a time
async function runVariant(port, { connections, text = "hello", sessions = 80 }) {
	const count = { requests: 0, failed: 0 };
	const client = connections(port);
	let next = 0;
	const worker = async () => {
		while (next < sessions) {
			const { send, close } = client(next++);
			await session(count, send, text).catch((error) => (count.example = error.message));
			close();
		}
	};
	await Promise.all(Array.from({ length: 8 }, worker));
	return count;
}

module.exports = { variants, runVariant };
