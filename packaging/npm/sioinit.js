#!/usr/bin/env node
// Becomes the binary, by execve(2): what npm, npx or a shell has started is then sioinit itself, and no Node is left. There
// are no install scripts, which many an installation leaves out. A script of the shell would not wait for Node to start (a tenth of a
// second), but would not run on Windows, nor in images without a shell.
"use strict";
const { constants, accessSync } = require("fs");
const os = require("os");
const path = require("path");
const { version, optionalDependencies } = require("./package.json");

const NOT_FOUND = 127; // as sioinit itself ends
const CANNOT = 126;

function fail(code, text) {
	console.error(`sioinit: ${text}`);
	process.exit(code);
}

// Of the package with this machine's binary; it lies beside this one, or where the package manager says.
function folderOf(name) {
	if (!optionalDependencies[name]) fail(NOT_FOUND, `there is no package ${name}, but ${Object.keys(optionalDependencies).join(" and ")}: build sioinit from its sources`);
	try {
		return path.dirname(require.resolve(`${name}/package.json`));
	} catch {
		const why = "left out by --omit=optional, or by a lock file or node_modules of another system";
		return fail(NOT_FOUND, `the package ${name} is missing (${why}): npm install --no-save --include=optional ${name}@${version}`);
	}
}

// Returns an errno where it fails. Node has process.execve() since 22.15, which ends it then; before, the platform's package has one.
function execve(folder, file, words) {
	if (process.execve) process.execve(file, words, process.env);
	const exec = require(path.join(folder, "exec.node"));
	return exec(file, words, Object.entries(process.env).map((pair) => pair.join("=")));
}

function become(folder) {
	const file = path.join(folder, "sioinit");
	try {
		accessSync(file, constants.X_OK);
		const errno = execve(folder, file, ["sioinit", ...process.argv.slice(2)]);
		fail(CANNOT, `${file}: ${Object.keys(os.constants.errno).find((name) => os.constants.errno[name] === errno)}`);
	} catch (err) {
		fail(CANNOT, err.message);
	}
}

if (process.platform === "linux") become(folderOf(`sioinit-linux-${process.arch}`));
else require("./development.js")(process.argv.slice(2));
