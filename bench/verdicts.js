// What sioinit, nginx and HAProxy make of tests/e2e/fixtures/corpus.js in front of the same Node server, as Markdown:
//   BIN_UNDER_TEST=build/release/sioinit node bench/verdicts.js > docs/verdicts.md
// A cell is what the client was answered, and what of it reached the server: "400", "200 (GET /a)".
const { spawn, execFileSync } = require("child_process");
const fs = require("fs");
const net = require("net");
const os = require("os");
const path = require("path");
const e2e = path.join(__dirname, "..", "tests", "e2e");
const { freePort, until } = require(path.join(e2e, "harness"));
const { ask } = require(path.join(e2e, "ask"));
const corpus = require(path.join(e2e, "fixtures", "corpus"));

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "verdicts-"));
const diary = path.join(folder, "diary");
const app = path.join(e2e, "fixtures", "diary.js");
const running = [];

function run(command, args, env = {}) {
	const p = spawn(command, args, { env: { ...process.env, DIARY: diary, ...env }, stdio: ["ignore", "ignore", "pipe"] });
	p.stderr.on("data", (d) => (p.said = (p.said || "") + d));
	running.push(p);
	return p;
}

const listening = (port) =>
	until(() => new Promise((resolve, reject) => {
		const s = net.connect(port, "127.0.0.1", () => resolve(s.destroy()));
		s.on("error", reject);
	}).then(() => true), `port ${port}`);

async function server() {
	const port = await freePort();
	run(process.execPath, [app], { PORT: port, HOST: "127.0.0.1" });
	await listening(port);
	return port;
}

const peers = {
	sioinit: {
		version: () => execFileSync(process.env.BIN_UNDER_TEST, ["--version"], { encoding: "utf8" }).trim(),
		async start(port) {
			const admin = await freePort();
			run(process.env.BIN_UNDER_TEST, [app], { SIOINIT_PORT: port, SIOINIT_ADMIN: admin, SIOINIT_WORKERS: 1, SIOINIT_HEADER_TIMEOUT: 1, SIOINIT_BODY_TIMEOUT: 1 });
			await until(() => fetch(`http://127.0.0.1:${admin}/readyz`).then((r) => r.ok), "sioinit");
		},
	},
	nginx: {
		version: () => /nginx\/[\d.]+/.exec(execFileSync("sh", ["-c", "nginx -v 2>&1"], { encoding: "utf8" }))[0].replace("/", " "),
		async start(port, backend) {
			const conf = path.join(folder, "nginx.conf");
			fs.writeFileSync(conf, `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; events {}
				http { access_log off; client_header_timeout 1s; client_body_timeout 1s; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
				server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${backend}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_request_buffering off; } } }`);
			run("nginx", ["-c", conf]);
			await listening(port);
		},
	},
	HAProxy: {
		version: () => /version ([\w.]+)/.exec(execFileSync("haproxy", ["-v"], { encoding: "utf8" }))[0].replace("version", "HAProxy"),
		async start(port, backend) {
			const conf = path.join(folder, "haproxy.cfg");
			fs.writeFileSync(conf, `defaults\n mode http\n timeout client 1s\n timeout http-request 1s\n timeout connect 1s\n timeout server 5s\nfrontend f\n bind 127.0.0.1:${port}\n default_backend b\nbackend b\n server s 127.0.0.1:${backend}\n`);
			run("haproxy", ["-f", conf]);
			await listening(port);
		},
	},
};

const short = (text) => text.replace(/[\x00-\x1f\x7f-\xff]/g, (c) => ({ "\r": "\\r", "\n": "\\n", "\t": "\\t" })[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`).replace(/(.)\1{40,}/g, (run, c) => `${c}…`).replace(/\|/g, "\\|");
const code = (text) => `\`${short(text)}\``;

function cell(got) {
	const answers = got.statuses.length ? got.statuses.join(", ") : got.closed ? "closed" : "no answer";
	const reached = got.seen.length ? got.seen.map((s) => code(s.trimEnd())) : got.begun.map((b) => `begin of ${code(b)}`);
	return answers + (reached.length ? ` → ${reached.join(", ")}` : "");
}

const refuses = (got) => !got.statuses.some((s) => s < 400);

async function main() {
	const backend = await server();
	const columns = Object.keys(peers);
	const ports = {};
	for (const name of columns) await peers[name].start((ports[name] = await freePort()), backend);
	const rows = [], laxer = [];
	for (const entry of corpus) {
		const got = {};
		for (const name of columns) got[name] = await ask(ports[name], diary, entry, { most: 6000 });
		rows.push(`| ${code(entry.name)} | ${columns.map((name) => cell(got[name])).join(" | ")} |`);
		if (!refuses(got.sioinit) && columns.some((name) => refuses(got[name]))) laxer.push(code(entry.name));
	}
	console.log(`# Requests with two readings, and what becomes of them\n
Written by \`bench/verdicts.js\` on ${new Date().toISOString().slice(0, 10)}: the corpus of \`tests/e2e/fixtures/corpus.js\` in front of the same server
(Node ${process.versions.node}), to ${columns.map((name) => peers[name].version()).join(", ")}; nginx and HAProxy as they come, with timeouts of 1 s and a proxied
connection that is kept. A cell: what the client was answered → what reached the server.\n
Taken by sioinit, refused by another: ${laxer.join(", ") || "nothing"}.\n
| case | ${columns.join(" | ")} |\n|---|${columns.map(() => "---").join("|")}|\n${rows.join("\n")}`);
}

main()
	.catch((err) => {
		console.error(err);
		for (const p of running) if (p.said) console.error(p.said);
		process.exitCode = 1;
	})
	.finally(async () => {
		await Promise.all(running.map((p) => p.exitCode === null && new Promise((done) => (p.on("exit", done), p.kill()))));
		fs.rmSync(folder, { recursive: true });
	});
