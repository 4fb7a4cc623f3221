// Whoever builds the static binary from the same sources has the same bytes: built a second time in a folder with another,
// longer name, at another depth, and with another clock.
const assert = require("assert");
const { execFileSync, spawnSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const test = require("node:test");

const root = path.join(__dirname, "../..");
const arch = { x64: "x86_64", arm64: "aarch64" }[process.arch];
const preset = `static-${arch}`;
const env = { ...process.env };
delete env.CMAKE_C_COMPILER_LAUNCHER; // ccache has names of files its own way

function skip(why) {
	console.log(`skipped: ${why}`);
	process.exit(77);
}

const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 26 });

if (spawnSync("git", ["rev-parse"], { cwd: root }).status !== 0) skip("not a clone: git does not know which files belong to it");
run(root, "script/build", "static");
if (/^CMAKE_C_COMPILER_LAUNCHER:\w+=./m.test(fs.readFileSync(path.join(root, "build", preset, "CMakeCache.txt"), "utf8"))) skip("built through ccache, which names files its own way");

const parent = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-elsewhere-"));
test.after(() => fs.rmSync(parent, { recursive: true }));

test("the same bytes in another folder", () => {
	const copy = path.join(parent, "a/longer/name/than/the/first");
	fs.mkdirSync(copy, { recursive: true });
	for (const file of run(root, "git", "ls-files", "-z", "--", "*.c", "*.h", "*.def", "*.cmake", "router/admin/page", "script/embed-page", "CMake*", "systemd", "docs/sioinit.8").split("\0").filter((f) => f && fs.existsSync(path.join(root, f))))
		fs.cpSync(path.join(root, file), path.join(copy, file), { recursive: true });
	const commit = JSON.parse(run(root, `build/${preset}/sioinit`, "version", "--json")).commit;
	run(copy, "cmake", "--preset", preset, ...(commit ? [`-DSIOINIT_COMMIT=${commit}`] : []));
	run(copy, "cmake", "--build", "--preset", preset);
	for (const file of ["sioinit", "sioinit.debug"])
		assert.ok(fs.readFileSync(path.join(root, "build", preset, file)).equals(fs.readFileSync(path.join(copy, "build", preset, file))), `${file} differs`);
});
