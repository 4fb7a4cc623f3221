// Runs the load generator; `before` and `after` are called at the ends of what it counts.
const { spawn } = require("child_process");
const readline = require("readline");
const { sleep } = require("./processes.js");

module.exports = async function applyLoad(program, port, { load, conns, parameter }, ms, before, after) {
	const args = [port, load, conns, ms, ...(parameter ? [parameter] : [])].map(String);
	const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
	const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	if ((await lines.next()).value !== "ready") throw new Error(`bench-load ${args.join(" ")}`);
	await sleep(30); // the last answers of the set-up are worked off
	await before();
	child.stdin.write("go\n");
	const { value } = await lines.next();
	await sleep(30);
	await after();
	return JSON.parse(value);
};
