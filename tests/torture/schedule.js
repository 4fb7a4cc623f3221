// What is done to the workers, and when: all of it from the seed, before anything runs.

// xorshift32 (Marsaglia, Journal of Statistical Software 8/14); the first numbers of a small seed are small, too
function random(seed) {
	let x = seed >>> 0 || 1;
	const next = () => {
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		return (x >>> 0) / 2 ** 32;
	};
	for (let i = 0; i < 20; i++) next();
	return next;
}

// weight: how often; done: when its slot is well again, ms after it began, by a generous guess
const kinds = {
	stop: { weight: 5, fields: (r) => ({ ms: r(200, 6000) }), done: (a) => a.ms + 1000 },
	"stop for good": { weight: 1, done: () => 12000 },
	kill: { weight: 5, done: () => 2500 },
	"kill, slow boot": { weight: 3, fields: (r) => ({ ms: r(1000, 6000) }), done: (a) => a.ms + 3000 },
	exit: { weight: 2, done: () => 2500 },
	"die within a frame": { weight: 3, fields: (r) => ({ bytes: [1, 3, 50000, -1][r(0, 3)] }), done: () => 2500 },
	"last words": { weight: 3, fields: (r) => ({ n: r(1, 500) }), done: () => 2500 },
	block: { weight: 4, fields: (r) => ({ ms: r(100, 2500) }), done: (a) => a.ms + 1000 },
	burst: { weight: 4, fields: (r) => ({ n: r(1, 40), bytes: r(10, 200000) }), done: () => 500 },
	garbage: { weight: 2, done: () => 500 },
	"flood of questions": { weight: 2, done: () => 6000 },
	"flood of broadcasts": { weight: 1, done: () => 15000 },
	reload: { weight: 2, whole: true, done: () => 12000 },
	scale: { weight: 2, whole: true, fields: (r) => ({ n: [3, 5, 6][r(0, 2)] }), done: () => 8000 },
};

// Of @workers slots, at most all but two are disturbed at a time; what concerns all of them is done one after the other.
function schedule(seed, seconds, workers) {
	const next = random(seed);
	const between = (from, to) => from + Math.floor(next() * (to - from + 1));
	const names = Object.entries(kinds).flatMap(([name, { weight }]) => Array(weight).fill(name));
	const actions = [];
	const free = Array(workers).fill(0);
	let wholeFree = 0;
	for (let at = 0; at < 1000 * seconds; at += between(100, 2000)) {
		const name = names[between(0, names.length - 1)];
		const slot = between(0, workers - 1);
		const kind = kinds[name];
		const action = { at, name, ...(kind.whole ? {} : { slot }), ...kind.fields?.(between) };
		const disturbed = free.filter((t) => t > at).length;
		if (kind.whole ? wholeFree > at : free[slot] > at || disturbed >= workers - 2) continue;
		if (kind.whole) wholeFree = at + kind.done(action);
		else free[slot] = at + kind.done(action);
		actions.push(action);
	}
	return actions;
}

module.exports = { schedule };
