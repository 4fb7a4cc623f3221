// A group of bench-member: waits for them, and has one of them broadcast to the others.
const fs = require("fs");
const net = require("net");
const path = require("path");
const readline = require("readline");
const { lastCpu, sleep, start } = require("./processes.js");

const PATIENCE_MS = 15000;

function inTime(promise, what) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`${what} in time`)), PATIENCE_MS);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

class Member {
	constructor(socket) {
		this.socket = socket.on("error", () => {});
		this.lines = readline.createInterface({ input: socket })[Symbol.asyncIterator]();
	}

	// Resolves with the words of its answer; `first` is the one that it has to begin with
	async answer(first) {
		const { value } = await inTime(this.lines.next(), `no "${first}" from a member`);
		const [word, ...words] = (value || "nothing more").split(" ");
		if (word !== first) throw new Error(`a member says ${value} for ${first}`);
		return words.map(Number);
	}

	ask(command, first) {
		this.socket.write(`${command}\n`);
		return this.answer(first);
	}
}

// start() is for what starts the members and relays between them, on one processor all of it: how much comes with one read,
// and whom a write wakes, is then the same for everybody. `complete` resolves with the members' pids.
async function openGroup(dir, count) {
	const members = [];
	const env = { BENCH_MEMBERS: path.join(dir, "members"), BENCH_PROGRESS: path.join(dir, "progress") };
	fs.writeFileSync(env.BENCH_PROGRESS, Buffer.alloc(4096));
	const server = net.createServer().unref();
	const join = async (socket) => {
		const member = new Member(socket);
		[member.pid] = await member.answer("member");
		members.push(member);
	};
	const all = new Promise((resolve, reject) =>
		server.on("connection", (socket) => join(socket).then(() => members.length === count && resolve(), reject)),
	);
	await new Promise((resolve, reject) => server.once("error", reject).listen(env.BENCH_MEMBERS, resolve));
	const complete = inTime(all, `not all of ${count} members`).then(() => members.map(({ pid }) => pid));
	complete.catch(() => {}); // whoever waits for it hears of it
	const startRelay = (command, args, more) => start("taskset", ["-c", lastCpu(), command, ...args], { ...env, ...more });
	return { count, members, complete, start: startRelay, reencodes: false };
}

// One broadcasts for `ms`, `window` under way; `before` and `after` are called at the ends of that. Every other one must have
// all of them, in order and byte for byte; from what reencodes them, as that encodes.
async function applyBroadcasts({ members, reencodes }, { payload, window }, ms, before, after) {
	const [sender, ...others] = members;
	const load = (member) => member.ask(`load ${payload} ${sender.pid} ${Number(reencodes && member !== sender)}`, "ready");
	await Promise.all(members.map(load));
	await sleep(10);
	await before();
	const [sent] = await sender.ask(`send ${ms} ${window} ${others.length}`, "sent");
	await after();
	for (const member of others) {
		const [right, wrong] = await member.ask("count", "counted");
		if (right !== sent || wrong) throw new Error(`of ${sent} broadcasts a member has ${right}, and ${wrong} that are wrong`);
	}
	return { operations: sent, failed: 0 };
}

module.exports = { openGroup, applyBroadcasts };
