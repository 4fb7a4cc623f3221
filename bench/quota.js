// A part of a core for each thread, by cgroup v1's cpu controller: what more cores would show on a machine that lacks them.
const fs = require("fs");
const path = require("path");
const { sleep } = require("./processes.js");

const root = "/sys/fs/cgroup/cpu";
const PERIOD_US = 10000;

const writable = (file) => {
	try {
		fs.accessSync(file, fs.constants.W_OK);
		return true;
	} catch {
		return false;
	}
};

const tasksOf = (pid) => fs.readdirSync(`/proc/${pid}/task`).map(Number);

// Those that were in it may not be quite gone.
async function remove(group) {
	for (let tries = 0; ; tries++)
		try {
			return fs.rmdirSync(group);
		} catch (error) {
			if (tries === 100) throw error;
			await sleep(20);
		}
}

// Gives each thread of these processes `share` of a core; remove() when they have ended.
function limit(pids, share) {
	const groups = pids.flatMap(tasksOf).map((tid) => {
		const group = path.join(root, `sioinit-bench-${tid}`);
		fs.mkdirSync(group);
		fs.writeFileSync(path.join(group, "cpu.cfs_period_us"), String(PERIOD_US));
		fs.writeFileSync(path.join(group, "cpu.cfs_quota_us"), String(Math.round(PERIOD_US * share)));
		fs.writeFileSync(path.join(group, "tasks"), String(tid));
		return group;
	});
	return { remove: () => Promise.all(groups.map(remove)) };
}

module.exports = { available: writable(path.join(root, "tasks")), limit };
