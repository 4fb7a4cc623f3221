// The npm packages in Node's own image, with the static binary: installed without a network, from a registry in the container.
const assert = require("assert");
const { execFileSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const test = require("node:test");
const { PORTS, get, must, needPodman, root, start, untilReady } = require("./podman.js");

const NODE = "docker.io/library/node:22-bookworm-slim";
const machine = { x64: "x86_64", arm64: "aarch64" }[process.arch];
const work = fs.mkdtempSync(path.join(os.tmpdir(), "sioinit-npm-"));
const [packages, app] = ["packages", "app"].map((name) => path.join(work, name));

const APP = `
	require("http").createServer((req, res) => res.end("hello")).listen(process.env.PORT);
	process.on("SIGTERM", () => setTimeout(() => (console.log("app: has ended in order"), process.exit()), 300));
`;
const INSTALL = `
	node /registry.js /packages >/tmp/url &
	until [ -s /tmp/url ]; do sleep 0.1; done
	npm install --ignore-scripts --no-audit --no-fund --registry "$(cat /tmp/url)" sioinit
	npm ls --all --json
`;

needPodman(NODE);
fs.mkdirSync(packages);
fs.mkdirSync(app);
execFileSync(path.join(root, "packaging/npm/build"), [packages, machine], { stdio: ["ignore", "ignore", "inherit"] });
fs.writeFileSync(path.join(app, "worker.js"), APP);
fs.writeFileSync(path.join(app, "package.json"), JSON.stringify({ name: "app", private: true, scripts: { start: "sioinit worker.js", execed: "exec sioinit worker.js" } }));
process.on("exit", () => fs.rmSync(work, { recursive: true }));

test("npm install sioinit: the launcher, this machine's binary and nothing else, of CMake's version", () => {
	const mounts = [`${packages}:/packages:ro`, `${path.join(root, "tests/registry.js")}:/registry.js:ro`, `${app}:/app`].flatMap((m) => ["-v", m]);
	const printed = must("run", "--rm", "--network", "none", "-w", "/app", ...mounts, NODE, "sh", "-ec", INSTALL);
	const { dependencies } = JSON.parse(printed.slice(printed.indexOf("{")));
	assert.deepStrictEqual(Object.keys(dependencies), ["sioinit"]);
	assert.strictEqual(dependencies.sioinit.version, /project\(sioinit VERSION ([\d.]+)/.exec(fs.readFileSync(path.join(root, "CMakeLists.txt"), "utf8"))[1]);
	assert.deepStrictEqual(fs.readdirSync(path.join(app, "node_modules")).filter((n) => !n.startsWith(".")), ["sioinit", `sioinit-linux-${process.arch}`]);
});

// Where npm's shell is process 1's child, npm ends when that does, and with process 1 all do: no time for the app. That is said at the start
const WARNS = /let the command in package\.json begin with exec/;
const starts = [
	["node_modules/.bin/sioinit", ["node_modules/.bin/sioinit", "worker.js"], { npm: 0, code: 0, inOrder: true }],
	["npm run, with exec", ["npm", "run", "execed"], { npm: 1, code: 0, inOrder: true }],
	["npm start", ["npm", "start"], { npm: 1 }],
	["npx", ["npx", "sioinit", "worker.js"], { npm: 1 }],
];
for (const [name, command, { npm, code, inOrder }] of starts)
	test(`${name} as a container's command`, async () => {
		const c = await untilReady(start([...PORTS, "-v", `${app}:/app:ro`, "-w", "/app", "-e", "SIOINIT_WORKERS=2"], NODE, ...command));
		assert.strictEqual((await get(c.http, "/")).body, "hello");
		const all = c.processes();
		const sioinit = all.find((p) => p.name === "sioinit" && p.command.startsWith("sioinit worker.js"));
		const workers = all.filter((p) => p.command === "node worker.js");
		assert.deepStrictEqual(workers.map((p) => p.ppid), [sioinit.pid, sioinit.pid]);
		assert.strictEqual(all.filter((p) => /^(node|npm)/.test(p.name) && !workers.includes(p)).length, npm, JSON.stringify(all));

		must("stop", "-t", "20", c.id);
		if (code !== undefined) assert.strictEqual(c.exitCode(), code, c.logs());
		assert.strictEqual(WARNS.test(c.logs()), !inOrder);
		if (inOrder) assert.strictEqual(c.logs().match(/has ended in order/g)?.length, 2, c.logs());
	});
