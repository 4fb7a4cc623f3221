const path = require("path");
const { checkFramework, redis } = require("../../framework_check");

module.exports = {
	title: "Flask-SocketIO, gunicorn with gevent",
	kind: "framework",
	seconds: 120,
	folder: path.join(__dirname, "../../frameworks/flask"),
	needs: ["gunicorn", "redis-server"],
	app: ["gunicorn", "--graceful-timeout", "5", "-k", "geventwebsocket.gunicorn.workers.GeventWebSocketWorker", "-b", "127.0.0.1:{port}", "app:app"],
	env: (place) => ({ REDIS_URL: redis(place), ASYNC_MODE: "gevent" }),
	hosts: { pm2: null, node: { app: ["sh", "-c", "exec gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker -b 127.0.0.1:$PORT app:app"] } },
	check: (host) => checkFramework(host, { stop: 20 }),
};
