// packaging/images/build: what it makes can be loaded and runs, on arm64, too; the SBOM is valid and true; the same again is the same.
const assert = require("assert");
const { execFileSync, spawnSync } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const os = require("os");
const path = require("path");
const test = require("node:test");
const zlib = require("zlib");
const { Spec, Validation } = require("@cyclonedx/cyclonedx-library");
const { clone, must, needPodman, podman, root } = require("./podman.js");

needPodman("docker.io/library/debian:bookworm-slim");
if (spawnSync("aarch64-linux-gnu-gcc", ["--version"]).status !== 0) execFileSync("./script/bootstrap", ["cross-aarch64"], { cwd: root });

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "images-"));
test.after(() => fs.rmSync(folder, { recursive: true }));
const name = `localhost/sioinit-packages-${clone}`;
const sha256 = (file) => crypto.createHash("sha256").update(fs.readFileSync(file)).digest("hex");

function make(out) {
	const into = path.join(folder, out);
	fs.mkdirSync(into);
	const log = execFileSync("./packaging/images/build", [into, "static"], { cwd: root, encoding: "utf8", env: { ...process.env, IMAGE: name, SOURCE_DATE_EPOCH: "1700000000" } });
	const images = fs.readFileSync(path.join(into, "images"), "utf8").trim().split("\n").map((l) => l.split(" "));
	return { into, log, images, read: (file) => fs.readFileSync(path.join(into, file), "utf8") };
}

const made = make("one");

test("an image for each architecture, with labels; the binary alone, and it runs", () => {
	assert.deepStrictEqual(made.images.map(([, arch]) => arch), ["arm64", "amd64"]);
	for (const [, arch, id] of made.images) {
		const archive = path.join(folder, `${arch}.tar`);
		fs.writeFileSync(archive, zlib.gunzipSync(fs.readFileSync(path.join(made.into, `sioinit-static-${arch}.tar.gz`))));
		must("load", "-q", "-i", archive);
		const tag = `${name}:static-${arch}`;
		const [{ Id, Architecture, Created, Size, Labels }] = JSON.parse(must("image", "inspect", tag));
		assert.deepStrictEqual([`sha256:${Id}`, Architecture, new Date(Created).getTime()], [id, arch, 1.7e12]);
		assert.ok(Size < 2.1e6, `${Size} bytes`);
		assert.strictEqual(Labels["org.opencontainers.image.created"], "2023-11-14T22:13:20Z");
		assert.match(fs.readFileSync(path.join(root, "CMakeLists.txt"), "utf8"), new RegExp(`VERSION ${Labels["org.opencontainers.image.version"]} `));
		assert.match(Labels["org.opencontainers.image.revision"], /^([0-9a-f]{40}|unknown)$/);
		if (arch === "amd64") assert.match(must("run", "--rm", tag, "version"), /^sioinit \d/);
		must("rmi", tag);
	}
});

test("the SBOM: valid CycloneDX 1.5, of these binaries, with what they are linked with", async () => {
	const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5);
	for (const [arch, machine] of [["amd64", "x86_64"], ["arm64", "aarch64"]]) {
		const text = made.read(`sioinit-${arch}.cdx.json`);
		assert.strictEqual(await validator.validate(text), null);
		const { metadata, components } = JSON.parse(text);
		assert.strictEqual(metadata.component.hashes[0].content, sha256(path.join(root, `build/static-${machine}/sioinit`)));
		for (const library of ["libuv1", "libmsgpack", "libjansson", "libyaml", "libseccomp", "llhttp", "uthash", "libc6"])
			assert.strictEqual(components.filter((c) => c.name.includes(library)).length, 1, library);
		assert.deepStrictEqual(components.filter((c) => !c.licenses[0].expression || !c.version), []);
	}
});

test("the provenance names every file with its sum, and the commit", () => {
	const statement = JSON.parse(made.read("provenance.intoto.json"));
	assert.deepStrictEqual([statement._type, statement.predicateType], ["https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"]);
	const files = fs.readdirSync(made.into).filter((file) => !["images", "provenance.intoto.json"].includes(file)).sort();
	assert.deepStrictEqual(statement.subject, files.map((file) => ({ name: file, digest: { sha256: sha256(path.join(made.into, file)) } })));
	assert.match(statement.predicate.buildDefinition.resolvedDependencies[0].digest.gitCommit, /^([0-9a-f]{40}|unknown)$/);
});

test("made again, it is the same to the byte", () => {
	const again = make("two");
	for (const file of fs.readdirSync(made.into)) assert.strictEqual(sha256(path.join(again.into, file)), sha256(path.join(made.into, file)), file);
});

test("a base that cannot be had is said, and a failure where all are wanted", () => {
	const env = { ...process.env, IMAGE: name, STRICT: "1" };
	const r = spawnSync("./packaging/images/build", [fs.mkdtempSync(path.join(folder, "strict-")), "node24"], { cwd: root, encoding: "utf8", env });
	if (podman("image", "exists", "docker.io/library/node:24-bookworm-slim").code === 0) return;
	assert.strictEqual(r.status, 1);
	assert.match(r.stdout, /left out: node24 for arm64, since docker.io\/library\/node:24-bookworm-slim cannot be had/);
});
