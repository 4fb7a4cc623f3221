// Runs the apps in cases/ under sioinit, pm2-runtime and plain Node, and prints the table of what was seen. Exit status 1 when an
// app does under sioinit what it should not, and neither its case nor the log says so.
//   node run.js [--fast] [--host sioinit|pm2|node]... [--write] [--verbose] [NAME...]
const { execFileSync } = require("child_process");
const fs = require("fs");
const path = require("path");
const { parseArgs } = require("util");
const { start } = require("./host");

const { values: options, positionals: wanted } = parseArgs({
	allowPositionals: true,
	options: { fast: { type: "boolean" }, host: { type: "string", multiple: true }, write: { type: "boolean" }, verbose: { type: "boolean" } },
});
const names = options.fast ? ["sioinit"] : (options.host ?? ["sioinit", "pm2", "node"]);
const kinds = ["pm2", "channel", "stop", "address", "listen", "logs", "operations", "framework"];
const modules = path.join(__dirname, options.fast ? "../e2e/node_modules" : "node_modules");
const docs = path.join(__dirname, "../../docs/compatibility.md");

function allCases() {
	const load = (name) => ({ name, folder: path.join(__dirname, "cases", name), ...require(`./cases/${name}/case.js`) });
	const all = fs.readdirSync(path.join(__dirname, "cases")).map(load);
	return all.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.name.localeCompare(b.name));
}

const modulesOf = (kase) => (kase.packages ? path.join(kase.packages, "node_modules") : modules);

// A folder of packages, which may be the app's own, is installed and built when a case wants it.
function prepare({ packages }) {
	if (!packages || fs.existsSync(path.join(packages, "node_modules"))) return;
	const npm = (...args) => execFileSync("npm", args, { cwd: packages, stdio: ["ignore", "ignore", "inherit"] });
	npm("install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error");
	npm("run", "build", "--if-present");
}

// An npm package, or a program
function isThere(what, modules) {
	if (fs.existsSync(path.join(modules, what))) return true;
	try {
		return execFileSync("sh", ["-c", 'command -v "$0"', what], { stdio: "pipe" }).length > 0;
	} catch {
		return false;
	}
}

function deadline(seconds) {
	let timer;
	const over = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no verdict within ${seconds} s`)), seconds * 1000)));
	return { over, clear: () => clearTimeout(timer) };
}

// { works, why, log }
async function tryOut(kase, name) {
	const host = await start(name, kase, modulesOf(kase));
	const limit = deadline(kase.seconds ?? 40);
	try {
		await Promise.race([kase.check(host), limit.over]);
		return { works: true, log: host.out + host.err };
	} catch (err) {
		return { works: false, why: err.message, log: host.out + host.err };
	} finally {
		limit.clear();
		await host.end();
	}
}

const oneLine = (text) => text.replace(/\s+/g, " ").replace(/\|/g, "\\|").slice(0, 100);

// A case's `differs` says why it is otherwise under a host; under sioinit it also has what sioinit logs then (`says`).
function verdict(kase, name, { works, why, log }) {
	const known = kase.differs?.[name];
	if (works) return { cell: "yes", bad: name === "sioinit" && known ? `works now, and is said to differ` : undefined };
	if (name !== "sioinit") return { cell: `no: ${oneLine(known ?? why)}` };
	if (!known) return { cell: `no: ${oneLine(why)}`, bad: why };
	return { cell: `no, and says so: ${oneLine(known.why)}`, bad: known.says.test(log) ? undefined : `the log lacks ${known.says}` };
}

async function judge(kase, name) {
	if (kase.hosts?.[name] === null) return { cell: "–" };
	const lack = (kase.needs ?? []).find((what) => !isThere(what, modulesOf(kase)));
	if (lack) return { cell: `– (no ${lack})` };
	try {
		prepare(kase);
	} catch (err) {
		return { cell: "– (its packages cannot be installed here)", bad: err.message };
	}
	const seen = await tryOut(kase, name);
	const result = verdict(kase, name, seen);
	if (result.bad || options.verbose) console.error(`${kase.name}, ${name}: ${result.bad ?? result.cell}\n${seen.log.replace(/^/gm, "    ").slice(-3000)}`);
	return result;
}

// `width` cells at a time
async function judgeAll(cases, width) {
	const rows = cases.map((kase) => ({ kase, results: {} }));
	const queue = rows.flatMap((row) => names.map((name) => ({ row, name })));
	const lane = async () => {
		for (let next; (next = queue.shift()); ) next.row.results[next.name] = await judge(next.row.kase, next.name);
	};
	await Promise.all(Array.from({ length: width }, lane));
	return rows;
}

function table(rows) {
	const line = (cells) => `| ${cells.join(" | ")} |`;
	const header = { sioinit: "sioinit", pm2: "pm2-runtime 7.0.4", node: "Node" };
	return [
		line(["", "the app", ...names.map((name) => header[name])]),
		line(Array(names.length + 2).fill("---")),
		...rows.map(({ kase, results }) => line([kase.kind, kase.title, ...names.map((name) => results[name].cell)])),
	].join("\n");
}

// between the two marked lines
function write(text) {
	const [begin, end] = ["<!-- written by script/compat -->\n", "<!-- end -->"];
	const page = fs.readFileSync(docs, "utf8");
	const from = page.indexOf(begin) + begin.length, to = page.indexOf(end, from);
	if (from < begin.length || to < 0) throw new Error(`${docs} lacks its marked lines`);
	fs.writeFileSync(docs, `${page.slice(0, from)}\n${text}\n\n${page.slice(to)}`);
}

function chosen() {
	const all = allCases();
	const unknown = wanted.filter((name) => !all.some((kase) => kase.name === name));
	if (unknown.length) throw new Error(`no case ${unknown.join(", ")}`);
	return all.filter((kase) => (!options.fast || kase.fast) && (!wanted.length || wanted.includes(kase.name)));
}

async function main() {
	const rows = await judgeAll(chosen(), 2);
	const text = table(rows);
	console.log(text);
	if (options.write) write(text);
	const bad = rows.filter((row) => row.results.sioinit?.bad);
	console.error(bad.length ? `compat: ${bad.map((row) => row.kase.name).join(" ")}` : `compat: ${rows.length} apps`);
	process.exit(bad.length ? 1 : 0);
}

main();
