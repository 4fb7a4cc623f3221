// Lays out the packages in the folder STAGE, for `npm pack`: node stage.js STAGE VERSION
// The binaries are put in by what calls this. Their packages are optional dependencies of the launcher's, by exactly its
// version; os and cpu have all but one left out where it is installed.
const fs = require("fs");
const path = require("path");

const [stage, version] = process.argv.slice(2);
const platforms = [
	["linux", "x64"],
	["linux", "arm64"],
];
// npm wants to know where a package with a provenance comes from; only the workflow that publishes knows where that is
const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: home } = process.env;
const about = {
	version,
	license: "MIT",
	keywords: ["socket.io", "init", "container", "cluster", "sticky", "pm2", "pid1"],
	...(home && { repository: { type: "git", url: `git+${server}/${home}.git` } }),
};
const nameOf = ([os, cpu]) => `sioinit-${os}-${cpu}`;
const LICENSE = path.join(__dirname, "../../LICENSE");
const COPYRIGHT = path.join(__dirname, "../copyright"); // of the libraries that are linked in, too

function stagePackage(fields, readme, ...files) {
	const folder = path.join(stage, fields.name);
	fs.mkdirSync(folder, { recursive: true });
	for (const file of files) fs.copyFileSync(file, path.join(folder, path.basename(file)));
	fs.writeFileSync(path.join(folder, "README.md"), readme);
	fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify(fields, null, 2) + "\n");
}

for (const platform of platforms) {
	const [os, cpu] = platform;
	const description = `The binary of sioinit for ${os} on ${cpu}`;
	const fields = { name: nameOf(platform), description, ...about, files: ["sioinit", "exec.node", "copyright"], os: [os], cpu: [cpu], preferUnplugged: true };
	stagePackage(fields, `${description}, with glibc, musl or neither. Install the package \`sioinit\`, which brings it.\n`, LICENSE, COPYRIGHT);
}

const launcher = ["sioinit.js", "development.js"];
const monitoring = path.join(__dirname, "../../monitoring"); // the dashboard and the alerts
const fields = {
	name: "sioinit",
	description: "The container-native init for Socket.IO: a worker for every CPU, sticky sessions, broadcasts between workers",
	...about,
	bin: { sioinit: "sioinit.js" },
	exports: { "./package.json": "./package.json" },
	files: [...launcher, "monitoring"],
	engines: { node: ">=18" },
	optionalDependencies: Object.fromEntries(platforms.map((platform) => [nameOf(platform), version])),
};
stagePackage(fields, fs.readFileSync(path.join(__dirname, "README.md")), LICENSE, ...launcher.map((file) => path.join(__dirname, file)));
fs.cpSync(monitoring, path.join(stage, fields.name, "monitoring"), { recursive: true });
