// What a page in docs/ has for its test: steps, in order. An HTML comment in the line before a fence says what the block is:
//   (none), and the fence is ```sh                bash -e runs it; the next block begins in the folder and with the variables it leaves
//   <!-- file: NAME -->                           is written to NAME
//   <!-- test: background URL -->                 runs on until the page's end, or until another one for the same URL begins; answers at URL
//   <!-- test: container -->                      where podman works, with docker meaning podman; background goes with it: container background URL
//   <!-- test: needs NAME -->                     where there is such a command, or Python module
//   <!-- test: fails CODE -->                     ends with that exit code
//   <!-- test: none, REASON -->                   is not run
//   <!-- output -->                               each line occurs in what the block before printed; ... stands for anything
// And alone in a line, <!-- prepare: COMMAND --> is run there, unseen by readers; $TREE is the source tree. <!-- prepare container: COMMAND -->: where podman works.
const assert = require("assert");

const FENCE = /^```(\S*)\s*$/;
const MARK = /^<!-- (file|test|output|prepare|prepare container)(?:: (.*?))? -->$/;
const SHELLS = ["bash", "shell", "console", "zsh"];

const words = {
	background: (step, rest) => (step.background = rest.shift()),
	container: (step) => (step.container = true),
	needs: (step, rest) => (step.needs = rest.shift()),
	fails: (step, rest) => (step.code = Number(rest.shift())),
};

function told(step, text = "") {
	if (text.startsWith("none, ")) return undefined;
	const rest = text.split(/\s+/).filter(Boolean);
	while (rest.length) {
		const word = rest.shift();
		assert(words[word], `line ${step.line}: test: ${word}?`);
		words[word](step, rest);
	}
	return step;
}

function block(mark, language, text, line) {
	if (mark?.[1] === "file") return { kind: "file", name: mark[2], text, line };
	if (mark?.[1] === "output") return { kind: "output", text, line };
	assert(!SHELLS.includes(language), `line ${line}: what is to be run is sh, not ${language}`);
	return language === "sh" ? told({ kind: "run", text, line, code: 0 }, mark?.[2]) : undefined;
}

function steps(text) {
	const list = [];
	const lines = text.split("\n");
	let mark;
	for (let i = 0; i < lines.length; i++) {
		const fence = FENCE.exec(lines[i]);
		if (fence) {
			const end = lines.indexOf("```", i + 1);
			assert(end > 0, `line ${i + 1}: no end of the block`);
			list.push(block(mark, fence[1], lines.slice(i + 1, end).join("\n") + "\n", i + 1));
			i = end;
			mark = undefined;
			continue;
		}
		assert(!mark, `line ${i + 1}: a block begins in the line after ${mark?.[0]}`);
		mark = MARK.exec(lines[i]);
		if (!mark?.[1].startsWith("prepare")) continue;
		list.push({ kind: "run", text: mark[2] + "\n", line: i + 1, code: 0, hidden: true, container: mark[1] === "prepare container" });
		mark = undefined;
	}
	return list.filter(Boolean);
}

// What npm is asked for: the words after npm install, and the dependencies of a package.json.
function packages(list) {
	const wanted = list.flatMap((s) => (s.kind === "run" ? [...s.text.matchAll(/^\s*npm (?:install|i|add) (.+)$/gm)].flatMap((m) => m[1].split(/\s+/)) : []));
	for (const s of list)
		if (s.kind === "file" && s.name.endsWith("package.json"))
			wanted.push(...Object.entries({ ...JSON.parse(s.text).dependencies, ...JSON.parse(s.text).devDependencies }).map(([name, version]) => `${name}@${version}`));
	return wanted.filter((w) => /^[@a-z]/.test(w) && !/\.tgz$|^sioinit$/.test(w)); // registry.sh has sioinit
}

module.exports = { steps, packages };
