// Where there is no sioinit: the app in one process of plain Node, so that `npm start` works on a developer's machine.
"use strict";
const { spawn } = require("child_process");
const { constants } = require("os");
const fs = require("fs");

const SCRIPT = /\.[cm]?[jt]s$/;
const SYSTEM = { darwin: "macOS", win32: "Windows" };
const NOT_FOUND = 127;
const CANNOT = 126;

function fail(code, text) {
	console.error(`sioinit: ${text}`);
	process.exit(code);
}

// Of `--workers 4 start worker.js --room 7` what Node is to run: the first word that is a script, and all that follow.
function scriptOf(words) {
	const at = words.findIndex((word) => SCRIPT.test(word) && fs.existsSync(word));
	return at >= 0 && words.slice(at);
}

// A terminal tells both processes of its Ctrl-C, and Windows has no signals but for that: the app would hear of it twice.
function passOn(signal, app) {
	const told = process.platform === "win32" || (signal === "SIGINT" && process.stdin.isTTY);
	process.on(signal, () => told || app.kill(signal));
}

module.exports = function run(words) {
	const system = SYSTEM[process.platform] ?? process.platform;
	const command = scriptOf(words);
	if (!command) fail(NOT_FOUND, `${system} has no sioinit, which needs Linux: \`sioinit SCRIPT.js\` runs the script with plain node here, and nothing else works`);
	console.error(`sioinit: ${system} has no sioinit, which needs Linux: this is plain node ${command[0]}, one process, for development`);

	// cluster-adapter wants a channel to its primary, and is content where nobody answers there
	const app = spawn(process.execPath, command, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
	app.on("error", (err) => fail(CANNOT, `${process.execPath}: ${err.message}`));
	app.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) passOn(signal, app);
};
