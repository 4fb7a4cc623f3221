const path = require("path");
const { checkFramework, redis } = require("../../framework_check");

module.exports = {
	title: "python-socketio, hypercorn",
	kind: "framework",
	seconds: 120,
	folder: path.join(__dirname, "../../frameworks/python-asgi"),
	needs: ["hypercorn", "redis-server"],
	app: ["hypercorn", "-b", "unix:{socket}", "app:app"],
	env: (place) => ({ REDIS_URL: redis(place) }),
	hosts: { pm2: null, node: { app: ["sh", "-c", "exec hypercorn -b 127.0.0.1:$PORT app:app"] } },
	check: (host) => checkFramework(host, { stop: 20 }),
};
