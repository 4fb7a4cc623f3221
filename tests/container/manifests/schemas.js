// Documents against the APIs that they are for: types, required fields, patterns and values by the packages' JSON schemas, and
// fields that do not exist by their TypeScript types, for which a document becomes a typed literal.
const fs = require("fs");
const path = require("path");
const ts = require("typescript");

const packages = {
	"monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
	"keda.sh": "@kubernetes-models/keda",
	"traefik.io": "@kubernetes-models/traefik",
	"gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
};

function modelOf({ apiVersion, kind }) {
	const [group] = apiVersion.split("/");
	if (group === "gateway.envoyproxy.io") return { types: path.join(__dirname, "envoy-gateway") };
	const types = `${packages[group] ?? "kubernetes-models"}/${apiVersion}/${kind}`;
	return { types, Model: require(types)[kind] };
}

// What is wrong by the schema, or nothing.
function invalid(o) {
	try {
		const { Model } = modelOf(o);
		if (Model) new Model(o).validate();
	} catch (err) {
		return err.code === "MODULE_NOT_FOUND" || err.code === "ERR_PACKAGE_PATH_NOT_EXPORTED" ? `there is no ${o.apiVersion} ${o.kind}` : err.message;
	}
}

const line = ({ file, start }) => file.text.split("\n")[file.getLineAndCharacterOfPosition(start).line].trim();

// [{at, text}] for all documents in one compilation, which costs as much as for one. The folder is emptied.
function mistyped(documents, folder) {
	fs.rmSync(folder, { recursive: true, force: true });
	fs.mkdirSync(folder, { recursive: true });
	const files = documents.map((o, i) => {
		const file = path.join(folder, `${i}.ts`);
		fs.writeFileSync(file, `import type { I${o.kind} as It } from "${modelOf(o).types}";\nexport const it: It = ${JSON.stringify(o, null, 1)};\n`);
		return file;
	});
	const options = { noEmit: true, strict: true, skipLibCheck: true, types: [], lib: ["lib.es2022.d.ts"], module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10 };
	return ts.getPreEmitDiagnostics(ts.createProgram(files, options)).map((d) => ({
		at: files.indexOf(d.file?.fileName),
		text: `${ts.flattenDiagnosticMessageText(d.messageText, " ").slice(0, 300)}${d.file ? ` (${line(d)})` : ""}`,
	}));
}

// [{file, o}] to ["file: Kind/name: what is wrong"]. What several files have is looked at once.
function problems(entries, folder) {
	const found = [];
	const once = [...new Map(entries.map((e) => [JSON.stringify(e.o), e])).values()];
	const say = (e, text) => found.push(`${e.file}: ${e.o.kind}/${e.o.metadata?.name}: ${text}`);
	const known = once.filter((e) => {
		const text = invalid(e.o);
		if (text) say(e, text);
		return !text?.startsWith("there is no");
	});
	for (const { at, text } of mistyped(known.map((e) => e.o), folder)) say(known[at] ?? { file: "", o: {} }, text);
	return found;
}

module.exports = { problems };
