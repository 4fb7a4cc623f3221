const path = require("path");
const { checkFramework, redis } = require("../../framework_check");

module.exports = {
	title: "python-socketio, uvicorn at a port",
	kind: "framework",
	seconds: 120,
	folder: path.join(__dirname, "../../frameworks/python-asgi"),
	needs: ["uvicorn", "redis-server"],
	app: ["uvicorn", "app:app", "--port", "{port}"],
	env: (place) => ({ REDIS_URL: redis(place) }),
	hosts: { pm2: null, node: { app: ["sh", "-c", "exec uvicorn app:app --port $PORT"] } },
	check: (host) => checkFramework(host, { stop: 20 }),
};
