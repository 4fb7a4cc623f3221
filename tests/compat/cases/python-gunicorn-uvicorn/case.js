const path = require("path");
const { checkFramework, redis } = require("../../framework_check");

module.exports = {
	title: "python-socketio, gunicorn with uvicorn's workers",
	kind: "framework",
	seconds: 120,
	folder: path.join(__dirname, "../../frameworks/python-asgi"),
	needs: ["gunicorn", "uvicorn", "redis-server"],
	app: ["gunicorn", "-k", "uvicorn.workers.UvicornWorker", "-b", "127.0.0.1:{port}", "app:app"],
	env: (place) => ({ REDIS_URL: redis(place) }),
	hosts: { pm2: null, node: { app: ["sh", "-c", "exec gunicorn -k uvicorn.workers.UvicornWorker -b 127.0.0.1:$PORT app:app"] } },
	check: (host) => checkFramework(host, { stop: 20 }),
};
