// Whether the buffers on a connection's way are full, and how much memory a process has had meanwhile.
const fs = require("fs");
const { get, until } = require("./harness");

// for the environment: what a sanitizer keeps of freed memory is none of the process's
const frees = { ASAN_OPTIONS: "quarantine_size_mb=0:thread_local_quarantine_size_kb=0" };

const status = (pid, key) => new RegExp(`^${key}:\\s+(\\w+)`, "m").exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1];
const resident = (pid) => 1024 * Number(status(pid, "VmRSS"));

// By how many bytes @use() makes the process grow, at its most. 5: the peak is forgotten, proc(5)
async function growth(pid, use) {
	fs.writeFileSync(`/proc/${pid}/clear_refs`, "5");
	const before = resident(pid);
	await use();
	return 1024 * Number(status(pid, "VmHWM")) - before;
}

function inodes(pid) {
	return new Set(fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
		try {
			return /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
		} catch {
			return undefined; // closed since
		}
	}));
}

// proc_net_tcp(5): what waits in the queues of the process's established connections, at both ends
function queues(pid) {
	const rows = ["tcp", "tcp6"].flatMap((f) => fs.readFileSync(`/proc/net/${f}`, "utf8").trim().split("\n").slice(1)).map((l) => l.trim().split(/\s+/));
	const own = inodes(pid);
	const ends = new Set(rows.filter((r) => own.has(r[9])).flatMap(([, local, remote]) => [`${local} ${remote}`, `${remote} ${local}`]));
	return rows.filter(([, local, remote, state, queued]) => state === "01" && ends.has(`${local} ${remote}`) && queued !== "00000000:00000000").map((r) => `${r[9]} ${r[4]}`).sort().join();
}

// Until data waits on its way through the router and none of it moves, though the router has been round its loop and no
// other process of the way is about to run. sent() counts what the sender got rid of.
async function standstill(s, router, sent, others) {
	let before;
	await until(async () => {
		for (let round = 0; round < 3; round++) await get(s.admin, "/livez");
		const now = `${sent()} sent, waiting: ${queues(router)}`;
		const still = now === before && queues(router) !== "" && !others().some((pid) => status(pid, "State") === "R");
		before = now;
		if (!still) throw new Error(now);
		return true;
	}, "standstill");
}

module.exports = { frees, growth, resident, standstill };
