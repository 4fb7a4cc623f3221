// What the files in OUT were made from, as an in-toto statement with SLSA's provenance 1, to stdout:
//   node provenance.js OUT REVISION SOURCE BASES TAGS
// BASES has a line "REFERENCE DIGEST" for each base image. PROVENANCE_BUILDER is the URI of whoever builds; a signature is for the
// publisher to add. Nothing in it is of the moment, so the same sources give the same bytes.
const { execFileSync } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const [out, revision, source, bases, tags] = process.argv.slice(2);
const lines = (text) => text.split("\n").filter(Boolean);
const firstLine = (...command) => lines(execFileSync(command[0], command.slice(1), { encoding: "utf8" }))[0];
const sha256 = (file) => crypto.createHash("sha256").update(fs.readFileSync(file)).digest("hex");

const files = fs.readdirSync(out).filter((name) => /\.(tar\.gz|cdx\.json)$/.test(name)).sort();
const sboms = files.filter((name) => name.endsWith(".cdx.json")).map((name) => JSON.parse(fs.readFileSync(path.join(out, name))));
const dirty = lines(execFileSync("git", ["status", "--porcelain", "--untracked-files=no"], { encoding: "utf8" })).length > 0;

const tree = {
	uri: source ? `git+${source}` : "git+file:.",
	digest: { gitCommit: revision },
	...(dirty ? { annotations: { changed: true } } : {}),
};
const images = [...new Set(lines(fs.readFileSync(bases, "utf8")))].sort().map((line) => {
	const [reference, digest] = line.split(" ");
	return { uri: `docker://${reference}`, digest: { sha256: digest.replace("sha256:", "") } };
});
const packages = [...new Set(sboms.flatMap((s) => s.components.map((c) => c.purl)))].sort().map((uri) => ({ uri }));

const statement = {
	_type: "https://in-toto.io/Statement/v1",
	subject: files.map((name) => ({ name, digest: { sha256: sha256(path.join(out, name)) } })),
	predicateType: "https://slsa.dev/provenance/v1",
	predicate: {
		buildDefinition: {
			buildType: "urn:sioinit:packaging:images:1",
			externalParameters: { command: "packaging/images/build", tags: tags.split(" "), architectures: ["amd64", "arm64"] },
			internalParameters: { sourceDateEpoch: Number(process.env.SOURCE_DATE_EPOCH), gcc: firstLine("gcc", "--version"), podman: firstLine("podman", "--version") },
			resolvedDependencies: [tree, ...images, ...packages],
		},
		runDetails: { builder: { id: process.env.PROVENANCE_BUILDER || "urn:sioinit:builder:local" } },
	},
};
console.log(JSON.stringify(statement, null, 2));
