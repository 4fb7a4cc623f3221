// What every client must see, whatever is done to the workers of others. A worker is known by its process; what was done
// to it is written down here, and only what nothing was done to must be well.
const { until } = require("../e2e/cluster");

class Oracle {
	constructor(bound) {
		this.bound = bound; // longest pause of a worker that is well, as heard at one that is well; ms
		this.faults = [];
		this.ill = new Map(); // pid => when it is well again, on the clock of performance.now()
		this.doomed = new Map(); // pid => why it may end, and its clients with it
		this.ended = new Set(); // pids
		this.notJudged = 0; // until when pauses are not
		this.stall = { last: performance.now(), long: [] };
		this.worst = 0;
	}
	fault(rule, text) {
		this.faults.push(`${rule}: ${text}`);
		console.log(`FAULT ${rule}: ${text}`);
	}
	sicken(pid, ms) {
		this.ill.set(pid, Math.max(this.ill.get(pid) ?? 0, performance.now() + ms));
	}
	doom(pid, why) {
		if (!this.doomed.has(pid)) this.doomed.set(pid, why);
	}
	pausesMatterNot(ms) {
		this.notJudged = Math.max(this.notJudged, performance.now() + ms);
	}
	// Since when a worker is well; Infinity: it is not.
	wellSince(pid) {
		if (this.doomed.has(pid)) return Infinity;
		const end = this.ill.get(pid) ?? 0;
		return end > performance.now() ? Infinity : end;
	}
	isCalm() {
		const now = performance.now();
		return now > this.notJudged && [...this.ill].every(([pid, end]) => end < now || this.doomed.has(pid)) && [...this.doomed.keys()].every((pid) => this.hasEnded(pid));
	}
	hasEnded(pid) {
		if (this.ended.has(pid)) return true;
		try {
			process.kill(pid, 0);
			return false;
		} catch {
			this.ended.add(pid);
			return true;
		}
	}

	// Times in which this process itself did not look are nobody's pauses.
	tick() {
		const now = performance.now();
		const late = now - this.stall.last - 100;
		this.stall.last = now;
		if (late > 200) this.notJudged = Math.max(this.notJudged, now + late);
	}

	lost(seat, why) {
		if (this.doomed.has(seat.pid)) return;
		this.fault("connections", `${seat.name} lost its connection to worker ${seat.record.name}, which is well: ${why}`);
	}

	// Pauses of all senders at all seats, now.
	listen(seats) {
		const now = performance.now();
		const quiet = Math.max(this.notJudged, 0);
		for (const seat of seats) {
			if (!seat.isOn) continue;
			const here = this.wellSince(seat.pid);
			for (const [from, sender] of seat.record.senders) {
				const pid = Number(from.split(".")[1]);
				if (this.hasEnded(pid)) continue;
				const since = Math.max(sender.last, here, this.wellSince(pid), quiet, seat.since);
				if (now - since > this.worst && now > since) this.worst = now - since;
				if (now - since > this.bound) {
					this.fault("pauses", `${seat.name} at worker ${seat.record.name} has heard nothing of ${from} for ${Math.round(now - sender.last)} ms (bound ${Math.round(this.bound)})`);
					sender.last = now;
				}
			}
		}
	}

	order(seat) {
		for (const fault of seat.record.faults.splice(0)) this.fault("order", `${seat.name}, ${fault}`);
	}

	// All have heard the same last word of those that are gone, and of those that fell silent.
	async agree(seats, said) {
		const last = () => {
			const ends = new Map();
			for (const seat of seats) for (const [from, { next }] of seat.record.senders) ends.set(from, (ends.get(from) ?? new Map()).set(seat.name, next));
			return ends;
		};
		const differing = () => [...last()].filter(([from, by]) => new Set(by.values()).size > 1 || (said.has(from) && [...by.values()][0] !== said.get(from)));
		await until(async () => differing().length === 0, "agreement").catch(() => {});
		for (const [from, by] of differing()) this.fault("last words", `of ${from}${said.has(from) ? `, who said ${said.get(from)}` : ""}: ${[...by].map(([name, n]) => `${name} heard ${n}`).join(", ")}`);
	}
}

module.exports = { Oracle };
