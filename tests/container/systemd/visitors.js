// Each connects, asks once and leaves; there are always some on their way. Says "begun" with the first answer, and after
// SIGTERM, when all have left, what came of them: { answers: { 200: n, ... }, pids: who answered }. With a number: so many, and no more.
const net = require("net");
const EVERY_MS = 5;
const [port, most = Infinity] = process.argv.slice(2).map(Number);
const answers = {};
const pids = new Set();
let sent = 0;
let there = 0;
let over = false;

function left(text, error) {
	const what = error || text.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length) || "closed without an answer";
	answers[what] = (answers[what] ?? 0) + 1;
	const pid = /"pid":(\d+)/.exec(text);
	if (pid) pids.add(Number(pid[1]));
	if (pid && pids.size === 1 && answers[what] === 1) console.log("begun");
	there--;
	endIfOver();
}

function visit() {
	let text = "";
	let error;
	sent++;
	there++;
	const socket = net.connect(port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
	socket.on("data", (d) => (text += d));
	socket.on("error", (err) => (error = err.code));
	socket.on("close", () => left(text, error));
}

function endIfOver() {
	if (there > 0 || !over) return;
	console.log(JSON.stringify({ answers, pids: [...pids] }));
	process.exit();
}

const coming = setInterval(() => {
	visit();
	if (sent >= most) noMore();
}, EVERY_MS);

function noMore() {
	clearInterval(coming);
	over = true;
	endIfOver();
}
process.on("SIGTERM", noMore);
