// An npm registry that has the packages in a folder, as `npm pack` made them; for all others it sends to the usual one.
//   const { url, close } = await serve(FOLDER);
//   node tests/registry.js FOLDER [HOST]      prints its URL, for npm_config_registry, and goes on until it is ended
const crypto = require("crypto");
const { execFileSync } = require("child_process");
const fs = require("fs");
const http = require("http");
const path = require("path");

const UPSTREAM = (process.env.npm_config_registry ?? "https://registry.npmjs.org/").replace(/\/?$/, "/");
const LONG_AGO = "2020-01-01T00:00:00.000Z"; // yarn takes nothing that is younger than a day
const digest = (kind, content, as) => crypto.createHash(kind).update(content).digest(as);

function read(folder, file) {
	const content = fs.readFileSync(path.join(folder, file));
	const fields = JSON.parse(execFileSync("tar", ["-xzOf", path.join(folder, file), "package/package.json"]));
	return { file, content, fields };
}

function packument({ file, content, fields }, url) {
	const dist = { tarball: `${url}/-/${file}`, integrity: `sha512-${digest("sha512", content, "base64")}`, shasum: digest("sha1", content, "hex") };
	const time = { [fields.version]: LONG_AGO };
	return { name: fields.name, "dist-tags": { latest: fields.version }, versions: { [fields.version]: { ...fields, dist } }, time };
}

// Resolves when it answers.
function serve(folder, host = "127.0.0.1") {
	const packages = fs.readdirSync(folder).filter((file) => file.endsWith(".tgz")).map((file) => read(folder, file));
	const server = http.createServer((req, res) => {
		const name = decodeURIComponent(req.url.slice(1));
		const tarball = packages.find(({ file }) => name === `-/${file}`);
		const named = packages.find(({ fields }) => name === fields.name);
		if (tarball) res.end(tarball.content);
		else if (named) res.setHeader("Content-Type", "application/json").end(JSON.stringify(packument(named, `http://${req.headers.host}`)));
		else res.writeHead(302, { Location: UPSTREAM + req.url.slice(1) }).end();
	});
	return new Promise((resolve) => {
		server.listen(0, host, () => {
			const close = () => {
				server.close();
				server.closeAllConnections();
			};
			resolve({ port: server.address().port, url: `http://127.0.0.1:${server.address().port}`, close });
		});
	});
}

module.exports = { serve };
if (require.main === module) serve(...process.argv.slice(2)).then(({ url }) => console.log(url));
