// Puts one entry of fixtures/corpus.js to a server: what it answers and what the worker behind it saw.
const fs = require("fs");
const { wire } = require("./wire");

const statuses = (got) => [...got.matchAll(/HTTP\/1\.[01] (\d\d\d) /g)].map((m) => Number(m[1]));

// Waits for all that the server has to say. After @expected good answers the client ends its half, and the server, when
// it has answered everything, the other; after an error it ends the connection by itself: resolves with whether it did.
async function settled(w, expected, most) {
	let ours = false;
	await w.until("all answers", () => w.ended || statuses(w.got).length >= expected, most).catch(() => {});
	if (!w.ended && !(statuses(w.got).at(-1) >= 400)) {
		ours = true;
		w.socket.end();
	}
	await w.until("the end", () => w.ended, most).catch(() => {});
	return w.ended && !ours;
}

// Each entry has a client address of its own: what a worker notes late is not taken for the next one's.
let asked = 0;

async function ask(port, diary, entry, { most = 5000 } = {}) {
	fs.writeFileSync(diary, "");
	const localAddress = `127.0.${1 + (asked >> 7)}.${1 + (asked++ & 127)}`;
	const w = wire({ port, host: "127.0.0.1", localAddress });
	const began = Date.now();
	w.send(entry.bytes);
	const drip = entry.drip && setInterval(() => w.socket.writable && w.send(entry.drip), 100);
	const closed = await settled(w, Math.max(entry.status.length, 1), most);
	clearInterval(drip);
	w.close();
	const notes = fs.readFileSync(diary, "utf8").trim().split("\n").filter(Boolean).map((l) => JSON.parse(l)).filter(({ from }) => !from || from === localAddress);
	return { statuses: statuses(w.got), closed, ms: Date.now() - began, seen: notes.flatMap((n) => n.seen ?? []), begun: notes.flatMap((n) => n.begun ?? []), wrong: notes.flatMap((n) => n.wrong ?? []), trailers: notes.flatMap((n) => n.trailers ?? []) };
}

module.exports = { ask };
