// Puts npm into a folder where Node came without it (Debian's package of npm pulls in hundreds more): node script/fetch-npm.js FOLDER
// Registry, proxy and certificates are those of npm's variables: npm_config_registry, HTTPS_PROXY, NODE_EXTRA_CA_CERTS.
const { execFileSync } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const https = require("https");
const path = require("path");
const tls = require("tls");

const VERSION = "10.9.9"; // the last line that knows Node 18
const SHA512 = "1g+6jLQvaIuB4zwvHL7yrXuXcWZwDsCtBX8bbWDqbvJSSr9nPiDDWTHNgwXR27iIcTTW7v3A57hDW9RYv2W4Yg==";
const MOVED = [301, 302, 303, 307, 308];

const setting = (...names) => names.map((name) => process.env[name]).find(Boolean);

function proxyFor(url) {
	const spared = (setting("NO_PROXY", "no_proxy") ?? "").split(/[\s,]+/).map((host) => host.replace(/^\*?\.?/, "")).filter(Boolean);
	if (spared.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`))) return null;
	const proxy = setting("npm_config_https_proxy", "HTTPS_PROXY", "https_proxy");
	return proxy && url.protocol === "https:" ? new URL(proxy) : null;
}

// A way through the proxy to the host of the URL
function tunnel(proxy, url) {
	return new Promise((resolve, reject) => {
		const target = `${url.hostname}:${url.port || 443}`;
		const secret = Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString("base64");
		const headers = proxy.username ? { "Proxy-Authorization": `Basic ${secret}` } : {};
		const req = (proxy.protocol === "https:" ? https : http).request(proxy, { method: "CONNECT", path: target, auth: null, headers, agent: false });
		req.on("connect", (res, socket) => (res.statusCode === 200 ? resolve(socket) : reject(new Error(`${proxy.host} answers ${res.statusCode} for ${target}`))));
		req.on("error", reject).end();
	});
}

async function get(url, redirects = 3) {
	const proxy = proxyFor(url);
	const way = proxy && (await tunnel(proxy, url));
	const connection = way && { agent: false, createConnection: () => tls.connect({ socket: way, servername: url.hostname }) };
	const res = await new Promise((resolve, reject) => {
		(url.protocol === "https:" ? https : http).get(url, { timeout: 30000, ...connection }, resolve).on("error", reject).on("timeout", function () {
			this.destroy(new Error("no answer within 30 s"));
		});
	});
	if (MOVED.includes(res.statusCode) && redirects > 0) return get(new URL(res.headers.location, url), redirects - 1);
	if (res.statusCode !== 200) throw new Error(`status ${res.statusCode}`);
	const parts = [];
	for await (const part of res) parts.push(part);
	return Buffer.concat(parts);
}

// FOLDER/lib is the package; FOLDER/bin has npm and npx, for PATH.
function unpack(archive, folder) {
	const making = `${folder}.${process.pid}`;
	fs.mkdirSync(path.join(making, "lib"), { recursive: true });
	execFileSync("tar", ["-xz", "--strip-components=1", "-C", path.join(making, "lib")], { input: archive });
	fs.mkdirSync(path.join(making, "bin"));
	for (const name of ["npm", "npx"]) fs.symlinkSync(`../lib/bin/${name}-cli.js`, path.join(making, "bin", name));
	fs.rmSync(folder, { recursive: true, force: true });
	fs.renameSync(making, folder);
}

async function main(folder) {
	const registry = setting("npm_config_registry", "NPM_CONFIG_REGISTRY") ?? "https://registry.npmjs.org";
	const url = new URL(`${registry.replace(/\/$/, "")}/npm/-/npm-${VERSION}.tgz`);
	const archive = await get(url).catch((err) => {
		throw new Error(`${url}: ${err.message}`);
	});
	if (crypto.createHash("sha512").update(archive).digest("base64") !== SHA512) throw new Error(`${url} is not what it was: its sha512 differs`);
	unpack(archive, folder);
}

main(process.argv[2]).catch((err) => {
	console.error(`fetch-npm: ${err.message}`);
	process.exit(1);
});
