// The peers: how each is started and reloaded, and what it has a notion of. Everything else is as it comes.
const { spawn, spawnSync } = require("child_process");
const fs = require("fs");
const path = require("path");

const root = path.resolve(__dirname, "../..");
const app = path.join(__dirname, "app.js");
const sioinit = path.join(root, "build/release/sioinit");
const npm = (folder, file) => path.join(root, "build/supervision", folder, "node_modules", file);

const output = (command, ...args) => spawnSync(command, args, { encoding: "utf8" }).stdout.trim();
const debian = (name) => output("dpkg-query", "-W", "-f=${Version}", name);

const supervising = ["exit", "noRestart", "killed", "crashEarly", "crashLate", "booting", "reload", "broken", "hang", "quota"];

const init = (name, program) => ({
	name,
	version: () => debian(program),
	workers: 1,
	has: ["exit", "noRestart", "killed", "crashEarly"],
	command: () => [program, "--", "node", app],
});

const pm2 = (name, folder, file, env) => {
	const bin = (which) => npm(folder, path.join(file, "bin", which));
	return {
		name,
		version: () => JSON.parse(fs.readFileSync(npm(folder, path.join(file, "package.json")))).version,
		workers: 2,
		has: [...supervising, "memory", "websockets"],
		options: { noRestart: ["--no-autorestart"], memory: ["--max-memory-restart", "200M"] },
		command: ({ workers, options = [] }) => [process.execPath, bin("pm2-runtime"), app, "-i", workers, ...options],
		env: ({ port, dir }) => ({ HOME: dir, PM2_HOME: path.join(dir, "pm2"), PM2_PORT: port, ...env }),
		reload: (run) => spawn("nsenter", ["-t", run.pid, "-p", "-m", process.execPath, bin("pm2"), "reload", "all"], { env: run.env, stdio: "ignore" }),
	};
};

module.exports = [
	{
		name: "sioinit",
		version: () => output(sioinit, "--version").split(" ")[1],
		workers: 2,
		has: [...supervising, "memory", "websockets", "readiness"],
		options: { noRestart: ["--restart", "never"], memory: ["--max-memory", "200M"] },
		command: ({ workers, options = [] }) => [sioinit, "--workers", workers, ...options, app],
		env: ({ port, admin }) => ({ SIOINIT_PORT: port, SIOINIT_ADMIN: admin }),
		reload: (run) => process.kill(run.pid, "SIGHUP"),
	},
	init("tini", "tini"),
	init("dumb-init", "dumb-init"),
	pm2("pm2-runtime", "pm2", "pm2"),
	pm2("@socket.io/pm2", "socket.io-pm2", "@socket.io/pm2", { STICKY: npm("socket.io-pm2", "@socket.io/sticky") }),
	{
		name: "gunicorn",
		version: () => debian("gunicorn"),
		workers: 2,
		has: supervising.filter((scenario) => !["noRestart", "quota"].includes(scenario)),
		command: ({ port, workers }) => ["gunicorn", "-b", `127.0.0.1:${port}`, "--chdir", __dirname, "-w", workers, "app"],
		env: () => ({ PYTHONDONTWRITEBYTECODE: "1" }),
		reload: (run) => process.kill(run.pid, "SIGHUP"),
	},
];
