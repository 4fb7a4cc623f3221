// The app of the peers that run Node. How a start of it behaves is in the file APP_CONTROL, read at every start;
// what happens to it is appended to the file APP_EVENTS. STICKY: the @socket.io/sticky whose setupWorker() is to be used.
const { spawn } = require("child_process");
const fs = require("fs");
const http = require("http");
const inspector = require("inspector");
const { Server } = require("socket.io");

const control = JSON.parse(fs.readFileSync(process.env.APP_CONTROL, "utf8"));
const note = (what) => fs.appendFileSync(process.env.APP_EVENTS, `${Date.now()} ${process.pid} ${what}\n`);
const kept = [];

const actions = {
	"/": () => ({ pid: process.pid, version: control.version }),
	"/exit": (q) => process.exit(Number(q.get("code"))),
	"/hang": () => { for (;;); },
	"/eat": (q) => kept.push(Buffer.alloc(Number(q.get("mb")) << 20, 1)),
	"/sh": (q) => new Promise((resolve) => spawn("sh", ["-c", q.get("script")], { detached: true, stdio: "ignore" }).on("exit", resolve)),
	"/write": () => [process.stdout, process.stderr].map((stream) => stream.write(fs.readFileSync(process.env.APP_TEXT))),
	"/inspector": () => ({ url: inspector.url() }),
};

// as a large require() would
const boot = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function onStopSignal() {
	if (!control.stubborn) io.close(() => process.exit(0));
}

note("start");
if (control.exitAtStart) process.exit(control.exitAtStart);
if (control.throwAtStart) throw new Error("a broken version");
boot(control.bootMs);

const httpServer = http.createServer(async (req, res) => {
	const url = new URL(req.url, "http://localhost");
	res.end(JSON.stringify((await actions[url.pathname](url.searchParams)) ?? null));
});
const io = new Server(httpServer);
for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"])
	process.on(signal, () => {
		note(signal);
		onStopSignal();
	});
if (control.stubborn) setInterval(() => {}, 1e6);

function onServing() {
	note("ready");
	if (control.exitAfterMs) setTimeout(() => process.exit(78), control.exitAfterMs);
}

if (process.env.STICKY) {
	require(process.env.STICKY).setupWorker(io);
	onServing();
} else {
	httpServer.listen(process.env.PORT, onServing);
}
