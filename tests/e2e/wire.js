// A raw connection: what goes out is written byte by byte as given, what comes in is awaited, never slept for.
const net = require("net");

class Wire {
	constructor(options) {
		this.got = "";
		this.ended = false;
		this.error = null;
		this.waiting = [];
		this.socket = net.connect({ host: "127.0.0.1", noDelay: true, allowHalfOpen: true, ...(typeof options === "object" ? options : { port: options }) });
		this.socket.setEncoding("latin1");
		this.socket.on("data", (d) => this.news(() => (this.got += d)));
		this.socket.on("end", () => this.news(() => (this.ended = true)));
		this.socket.on("error", (err) => this.news(() => (this.error = err)));
		this.socket.on("close", () => this.news(() => (this.ended = true)));
	}

	news(change) {
		change();
		this.waiting = this.waiting.filter((check) => !check());
	}

	until(what, check, ms = 20000) {
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(`${what} did not come; got: ${JSON.stringify(this.got.slice(0, 2000))}`)), ms);
			const test = () => {
				const value = check();
				if (value) {
					clearTimeout(timer);
					resolve(value);
				}
				return value;
			};
			if (!test()) this.waiting.push(test);
		});
	}

	send(bytes) {
		this.socket.write(bytes, "latin1");
		return this;
	}

	// Takes what has come up to the end of the match.
	async take(re) {
		const m = await this.until(re, () => re.exec(this.got));
		this.got = this.got.slice(m.index + m[0].length);
		return m;
	}

	// One whole response: { status, head, fields, body, trailers }.
	async response(method = "GET") {
		const [head] = await this.take(/^HTTP\/1\.[01] \d\d\d [^]*?\r\n\r\n/);
		const fields = {};
		for (const line of head.trimEnd().split("\r\n").slice(1)) fields[line.split(":")[0].toLowerCase()] = line.slice(line.indexOf(":") + 1).trim();
		const answer = { status: Number(head.slice(9, 12)), head, fields, body: "", trailers: "" };
		if (method === "HEAD" || answer.status < 200 || answer.status === 204 || answer.status === 304) return answer;
		if (fields["transfer-encoding"] === "chunked") return this.chunked(answer);
		const length = fields["content-length"];
		if (length === undefined) await this.end();
		else await this.until(`${length} bytes`, () => this.got.length >= Number(length));
		answer.body = length === undefined ? this.got : this.got.slice(0, Number(length));
		this.got = this.got.slice(answer.body.length);
		return answer;
	}

	async chunked(answer) {
		for (;;) {
			const size = parseInt((await this.take(/^([\da-f]+)\r\n/i))[1], 16);
			if (size === 0) break;
			await this.until("a chunk", () => this.got.length >= size + 2);
			answer.body += this.got.slice(0, size);
			this.got = this.got.slice(size + 2);
		}
		[, answer.trailers] = await this.take(/^((?:[^\r\n]+\r\n)*)\r\n/);
		return answer;
	}

	async end() {
		await this.until("the end", () => this.ended);
		return this.got;
	}

	close() {
		this.socket.destroy();
	}
}

module.exports = { Wire, wire: (options) => new Wire(options) };
