// Puts one entry of fixtures/corpus.js to a server: what it answers and what the worker behind it saw.
const fs = require("fs");
const { wire } = require("./wire");

const statuses = (got) => [...got.matchAll(/HTTP\/1\.[01] (\d\d\d) /g)].map((m) => Number(m[1]));

// The end of the connection, or all expected answers and then silence for @quiet ms.
function settled(w, expected, quiet, most) {
	return new Promise((resolve) => {
		const limit = setTimeout(resolve, most);
		let timer;
		const look = () => {
			clearTimeout(timer);
			if (w.ended) timer = setTimeout(resolve, 0);
			else if (statuses(w.got).length >= expected) timer = setTimeout(resolve, quiet);
			if (w.ended) clearTimeout(limit);
		};
		w.socket.on("data", look).on("close", look).on("end", look).on("error", look);
		look();
	});
}

// Each entry has a client address of its own: what a worker notes late is not taken for the next one's.
let asked = 0;

async function ask(port, diary, entry, { quiet = 100, most = 5000 } = {}) {
	fs.writeFileSync(diary, "");
	const localAddress = `127.0.${1 + (asked >> 7)}.${1 + (asked++ & 127)}`;
	const w = wire({ port, host: "127.0.0.1", localAddress });
	const began = Date.now();
	w.send(entry.bytes);
	const drip = entry.drip && setInterval(() => w.socket.writable && w.send(entry.drip), 100);
	await settled(w, Math.max(entry.status.length, 1), quiet, most);
	clearInterval(drip);
	w.close();
	const notes = fs.readFileSync(diary, "utf8").trim().split("\n").filter(Boolean).map((l) => JSON.parse(l)).filter(({ from }) => !from || from === localAddress);
	return { statuses: statuses(w.got), closed: w.ended, ms: Date.now() - began, seen: notes.flatMap((n) => n.seen ?? []), begun: notes.flatMap((n) => n.begun ?? []), wrong: notes.flatMap((n) => n.wrong ?? []), trailers: notes.flatMap((n) => n.trailers ?? []) };
}

module.exports = { ask };
