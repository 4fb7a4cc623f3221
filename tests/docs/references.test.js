// What the pages name is there: other pages and their headings, settings, commands, metrics; and what script/docs writes is
// current.
const assert = require("assert");
const { execFileSync, spawnSync } = require("child_process");
const fs = require("fs");
const path = require("path");
const test = require("node:test");

const tree = path.join(__dirname, "../..");
const read = (name) => fs.readFileSync(path.join(tree, name), "utf8");
const inDocs = fs.readdirSync(path.join(tree, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`);
const pages = ["README.md", "CONTRIBUTING.md", "bench/README.md", ...inDocs];
const folders = ["base", "ipc", "peers", "relay", "router", "settings", "init", "commands", "main.c"];
const sources = execFileSync("grep", ["-rhoE", "--include=*.[ch]", "\"[^\"]*\"", ...folders], { cwd: tree, encoding: "utf8", maxBuffer: 1 << 26 });

const withoutBlocks = (text) => text.replace(/^```[^]*?^```$/gm, "");
const headings = (text) => withoutBlocks(text).split("\n").filter((l) => /^#+ /.test(l)).map((l) => l.replace(/^#+ /, ""));
const anchor = (heading) => heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replace(/ /g, "-");
const links = (text) => [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)].map((m) => m[1]).filter((to) => !/^[a-z]+:/.test(to));

function wrong(page) {
	return links(read(page)).filter((to) => {
		const [file, at] = to.split("#");
		const name = file ? path.join(path.dirname(page), file) : page;
		if (!fs.existsSync(path.join(tree, name))) return true;
		return at && !headings(read(name)).map(anchor).includes(at);
	});
}

const names = (pattern) => pages.flatMap((page) => [...new Set(read(page).match(pattern))].map((name) => [page, name]));

test("links between pages lead somewhere", () => {
	assert.deepStrictEqual(pages.flatMap((page) => wrong(page).map((to) => `${page}: ${to}`)), []);
});

test("every page is in the index", () => {
	const listed = links(read("docs/README.md")).map((to) => path.join("docs", to));
	assert.deepStrictEqual(inDocs.filter((page) => page !== "docs/README.md" && !listed.includes(page)), []);
});

// Settings, what workers and hooks are told, and names that are made of one's own (SIOINIT_SIDECAR_NAME)
test("variables in the pages are sioinit's", () => {
	const known = new Set([...read("docs/settings.md").match(/^\| `SIOINIT_[A-Z_]+/gm).map((row) => row.slice(3)), ...sources.match(/SIOINIT_[A-Z_]+/g)]);
	const own = (name) => /^SIOINIT_(SIDECAR|STATIC|SYSTEMD|SANITIZE|TESTS)(_|$)/.test(name) || name.endsWith("_");
	assert.deepStrictEqual(names(/SIOINIT_[A-Z_]+/g).filter(([, name]) => !own(name) && !known.has(name)), []);
});

// sioinit's, and what prometheus-adapter makes of them
test("metrics in the pages are there", () => {
	const made = execFileSync("grep", ["-rhoE", "as: sioinit_[a-z_]+", "k8s"], { cwd: tree, encoding: "utf8" });
	const known = new Set([...made.match(/sioinit_[a-z_]+/g), ...read("docs/metrics.md").match(/^\| `sioinit_[a-z_]+/gm).map((row) => row.slice(3)), ...sources.match(/sioinit_[a-z_]+/g)]);
	const base = (name) => name.replace(/_(bucket|sum|count)$/, "");
	assert.deepStrictEqual(names(/\bsioinit_[a-z_]+\b/g).filter(([, name]) => !known.has(base(name)) && !name.endsWith("_")), []);
});

// In code: `sioinit WORD ...` where WORD is no file, option or program
test("commands in the pages are sioinit's", () => {
	const help = execFileSync(process.env.BIN_UNDER_TEST, ["--help"], { encoding: "utf8" });
	const words = new Set([...help.matchAll(/^ +sioinit ([a-z]+)/gm)].map((m) => m[1]).concat(help.match(/words of pm2[^]*?\n\n/)[0].split(/\s+/)));
	const program = new Set(["node", "bun", "deno", "npm", "npx", "sh", "bash", "uvicorn", "gunicorn", "hypercorn", "python3", "app", "java"]);
	const code = (text) => [...text.matchAll(/^```sh\n([^]*?)^```$/gm), ...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map((m) => m[1]).join("\n");
	const called = (page) => [...code(read(page)).matchAll(/^(?:.*[;|] ?)?sioinit (?:-- )?([a-z][a-zA-Z0-9]*)(?=\s|$)/gm)].map((m) => m[1]);
	assert.deepStrictEqual(pages.flatMap((page) => called(page).filter((word) => !words.has(word) && !program.has(word)).map((word) => `${page}: sioinit ${word}`)), []);
});

// base/messages.def: an id for each message, in order, none twice, none that nobody says
test("every message has an id, a cause and a mend", () => {
	const rows = [...read("base/messages.def").matchAll(/^M\((\d{3}),\s*"((?:[^"\\]|\\.|"\s*")*)",\s*"((?:[^"\\]|\\.|"\s*")*)"\)$/gm)];
	const ids = rows.map((row) => row[1]);
	assert.strictEqual(rows.length, read("base/messages.def").match(/^M\(/gm).length, "a row that cannot be read");
	assert.deepStrictEqual(ids, [...new Set(ids)].sort());
	const without = rows.filter(([, , cause, mend]) => ![cause, mend].every((text) => /^(sioinit|[A-Z`@]).*\.$/s.test(text) && (text.match(/`/g) || []).length % 2 === 0));
	assert.deepStrictEqual(without.map((row) => row[1]), []);
	const said = execFileSync("grep", ["-rhoE", "--include=*.c", "\\bSIO_[0-9]{3}", ...folders], { cwd: tree, encoding: "utf8" });
	assert.deepStrictEqual([...new Set(said.replace(/SIO_/g, "").trim().split("\n"))].sort(), ids);
	const shown = execFileSync(process.env.BIN_UNDER_TEST, ["explain"], { encoding: "utf8" });
	assert.deepStrictEqual(shown.match(/^SIO-\d{3}(?=  \S)/gm), ids.map((id) => `SIO-${id}`));
	assert.deepStrictEqual(headings(read("docs/messages.md")).filter((h) => h.startsWith("SIO-")), ids.map((id) => `SIO-${id}`));
});

test("what script/docs writes is current", () => {
	const r = spawnSync("./script/docs", ["--check"], { cwd: tree, encoding: "utf8" });
	assert.strictEqual(r.status, 0, r.stdout + r.stderr);
});
