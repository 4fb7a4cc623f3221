// What init's relay of broadcasts costs, beside Node's and beside the loop that copies: one member in C broadcasts to the
// others (member.c).
const fs = require("fs");
const os = require("os");
const path = require("path");
const { openGroup, applyBroadcasts } = require("./members.js");
const { freePort, stopAll } = require("./processes.js");

const counts = [2, 8, 32];
const payloads = { "100 B": "100", "10 KB text": "text", "10 KB json": "json", "10 KB binary": "binary" };
const patterns = { "": 16, ", one at a time": 1 }; // so many are under way

const operations = Object.entries(patterns).flatMap(([pattern, window]) =>
	counts.flatMap((members) =>
		Object.entries(payloads).map(([size, payload]) => ({
			name: `relay to ${members - 1}, ${size}${pattern}`,
			app: "members",
			members,
			payload,
			window,
		})),
	),
);

async function startRelay(peer, members, dir, place) {
	const group = await openGroup(dir, members);
	const running = await peer.startMembers({ ...place, port: await freePort(), group });
	return { ...running, dir, apply: (...load) => applyBroadcasts(group, ...load) };
}

// Hands all of `peers` to `action`, running: [peer, running], ...
async function withRelays(peers, members, place, action) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "bench-"));
	try {
		const relays = [];
		for (const [i, peer] of peers.entries()) {
			const own = path.join(dir, String(i));
			fs.mkdirSync(own);
			relays.push([peer, await startRelay(peer, members, own, place)]);
		}
		await action(relays);
	} finally {
		await stopAll();
		fs.rmSync(dir, { recursive: true });
	}
}

module.exports = { counts, operations, withRelays };
