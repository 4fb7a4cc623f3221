// The apps of tests/compat that take a moment, under sioinit alone.
const test = require("node:test");
const { execFileSync } = require("child_process");
const path = require("path");

test("apps as people write them", { timeout: 170000 }, () => {
	execFileSync(process.execPath, [path.join(__dirname, "../compat/run.js"), "--fast"], { stdio: "inherit" });
});
