// What happens to the app in the picture of the dashboard: clients come and go, talk, ask for pages; then a reload, a crash, a worker that
// computes too long, a router that ends, and clients of another container.
const { io } = require("socket.io-client");
const { get, routerOf } = require("../../e2e/harness");

const some = (n) => Math.floor(Math.random() * n);
const slowly = () => Math.round(4 + 20 * Math.random() ** 2 + (Math.random() < 0.03 ? 400 * Math.random() : 0));

class Day {
	// @seconds long
	constructor(sioinit, seconds) {
		Object.assign(this, { sioinit, seconds, began: Date.now(), clients: [], timers: [] });
	}
	get at() {
		return (Date.now() - this.began) / 1000 / this.seconds;
	}
	ask(url) {
		return get(this.sioinit.port, url).catch(() => {}); // a client of what ends
	}
	// More people at noon
	wanted() {
		return Math.round(20 + 50 * Math.sin(Math.PI * this.at));
	}
	come() {
		const transports = Math.random() < 0.2 ? ["polling"] : ["polling", "websocket"];
		this.clients.push(io(`http://127.0.0.1:${this.sioinit.port}`, { transports, forceNew: true, reconnectionDelay: 200, reconnectionDelayMax: 3000 }));
	}
	people() {
		if (Math.random() < 0.1) this.clients.splice(some(this.clients.length), 1)[0]?.close();
		if (this.clients.length < this.wanted()) this.come();
		else this.clients.shift()?.close();
	}
	pages() {
		for (let n = some(this.wanted() / 10); n > 0; n--) this.ask(`/page?ms=${slowly()}`);
		if (Math.random() < 0.2) this.ask("/moved");
		if (Math.random() < 0.08) this.ask("/nowhere");
		if (Math.random() < 0.01) this.ask("/wrong");
		if (this.at > 0.62 && this.at < 0.7) this.ask("/report?ms=70");
		if (this.at > 0.85 && this.at < 0.9 && Math.random() < 0.2) this.ask("/socket.io/?EIO=4&transport=polling&sid=of-another-container");
	}
	talk() {
		for (let n = some(this.wanted() / 12); n > 0; n--) this.clients[some(this.clients.length)]?.emit("chat", "x".repeat(40 + some(400)));
	}
	every(ms, what) {
		this.timers.push(setInterval(() => what.call(this), ms));
	}
	when(part, what) {
		this.timers.push(setTimeout(what, part * this.seconds * 1000));
	}
	async pass() {
		this.every(150, this.people);
		this.every(100, this.pages);
		this.every(100, this.talk);
		this.when(0.25, () => process.kill(this.sioinit.pid, "SIGHUP"));
		this.when(0.45, () => this.ask("/bug"));
		this.when(0.48, () => this.ask("/bug"));
		this.when(0.78, () => process.kill(routerOf(this.sioinit.pid), "SIGKILL"));
		await new Promise((resolve) => this.when(1, resolve));
		this.timers.forEach(clearTimeout);
		this.clients.forEach((c) => c.close());
	}
}

module.exports = { Day };
