// Plays a Service with sessionAffinity ClientIP in front of pods (kubelet.js): connections go by turns to those that are
// endpoints, and those of one client address to the pod that has had the first of them, while that is one.
const net = require("net");
const { once } = require("events");

// A pod that is to end is out of the endpoints at once; who sends to it learns that later.
const LEARNS_AFTER_MS = 1500;

class Service {
	constructor(pods) {
		this.pods = pods;
		this.next = 0;
		this.homes = new Map();
		this.failed = 0;
		this.server = net.createServer((client) => this.#connect(client));
	}

	async listen() {
		this.server.listen(0, "127.0.0.1");
		await once(this.server, "listening");
		this.port = this.server.address().port;
		return this;
	}

	endpoints() {
		return this.pods.filter((k) => k.ready && !k.over && (!k.terminating || Date.now() < k.terminating + LEARNS_AFTER_MS));
	}

	#podFor(address) {
		const there = this.endpoints();
		if (!there.includes(this.homes.get(address))) this.homes.set(address, there[this.next++ % there.length]);
		return this.homes.get(address);
	}

	#connect(client) {
		const pod = this.#podFor(client.remoteAddress);
		const fail = () => {
			this.failed++;
			client.destroy();
		};
		if (!pod) return fail();
		const upstream = net.connect(pod.ports.http, "127.0.0.1", () => {
			upstream.off("error", fail).on("error", () => client.destroy());
			client.pipe(upstream).pipe(client);
		});
		upstream.on("error", fail);
		client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
		upstream.on("close", () => client.destroy());
	}

	close() {
		this.server.close();
	}
}

module.exports = { Service };
