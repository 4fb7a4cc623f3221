// Makes docs/images/status-*.png of a real sioinit, examples/chat and clients that talk (called by script/screenshots).
const fs = require("fs");
const os = require("os");
const path = require("path");
const { chromium } = require("playwright-core");
const { io } = require("../e2e/node_modules/socket.io-client");
const { start, get, until } = require("../e2e/harness");
const { StatusPage, BROWSER } = require("./page");

const TALK_S = Number(process.argv[2] ?? 310); // the charts are full after five minutes
const CLIENTS = 60;
const TOKEN = "for-the-screenshots";
const images = path.join(__dirname, "../../docs/images");
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const WALL = { width: 2560, height: 1440 };

// Clients that come, talk now and then, and go, and read a page meanwhile; one of six polls. Returns what ends them.
function talk(port) {
	let goesOn = true;
	const client = async (i) => {
		await sleep(i * 300);
		while (goesOn) {
			const socket = io(`http://127.0.0.1:${port}`, { transports: i % 6 ? ["websocket"] : ["polling"], forceNew: true, auth: { name: `Visitor ${i}` } });
			for (const end = Date.now() + 20000 + 40000 * Math.random(); goesOn && Date.now() < end; await sleep(200 + 1800 * Math.random())) {
				if (Math.random() < 0.1) socket.emit("message", "hello");
				await fetch(`http://127.0.0.1:${port}/`).then((r) => r.text(), () => {});
			}
			socket.close();
		}
	};
	const all = Array.from({ length: CLIENTS }, (_, i) => client(i));
	return () => {
		goesOn = false;
		return Promise.all(all);
	};
}

async function shoot(browser, port, name, viewport, colorScheme, options = {}) {
	const me = await StatusPage.open(browser, port, { viewport, colorScheme, deviceScaleFactor: viewport === PHONE ? 2 : 1, reducedMotion: "reduce" });
	if (options.token) await me.unlock(TOKEN);
	await me.says(options.says ?? "All is well");
	await sleep(options.wait ?? 3000); // until rates and CPU are known
	await me.page.evaluate(() => scrollTo(0, 0));
	await me.page.screenshot({ path: path.join(images, `status-${name}.png`), fullPage: Boolean(options.all) });
	await me.page.context().close();
}

async function main() {
	const trouble = path.join(os.tmpdir(), `sioinit-trouble-${process.pid}`);
	const s = await start(["worker.js"], { SIOINIT_WORKERS: "4", SIOINIT_ADMIN_TOKEN: TOKEN, SIOINIT_DRAIN_TIME: "1", SIOINIT_START_LIMIT: "off", SIOINIT_MIN_UPTIME: "1", SIOINIT_MAX_MEMORY: "256M", TROUBLE: trouble }, path.join(__dirname, "demo"));
	const browser = await chromium.launch({ executablePath: BROWSER });
	const hush = talk(s.port);
	fs.mkdirSync(images, { recursive: true });
	try {
		await sleep(TALK_S * 1000);
		await shoot(browser, s.admin, "light", DESK, "light", { all: true });
		await shoot(browser, s.admin, "dark", DESK, "dark");
		await shoot(browser, s.admin, "phone", PHONE, "light");
		await shoot(browser, s.admin, "wall", WALL, "dark");
		fs.writeFileSync(trouble, "");
		await until(async () => JSON.parse((await get(s.admin, "/status")).body).conditions.some((c) => c.id === "flapping"), "a worker that keeps crashing", 60000);
		await shoot(browser, s.admin, "crash", { ...DESK, height: 1150 }, "light", { token: true, wait: 9000, says: "Worker 2 keeps crashing" });
		await shoot(browser, s.admin, "crash-phone", PHONE, "dark", { says: "Worker 2 keeps crashing" });
	} finally {
		fs.rmSync(trouble, { force: true });
		await browser.close();
		await hush();
		await s.stop();
	}
}

main();
