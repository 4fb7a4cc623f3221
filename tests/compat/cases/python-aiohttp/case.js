const { checkFramework, redis } = require("../../framework_check");

module.exports = {
	title: "python-socketio, aiohttp",
	kind: "framework",
	seconds: 120,
	needs: ["/usr/bin/python3", "redis-server"],
	app: ["/usr/bin/python3", "app.py"],
	env: (place) => ({ REDIS_URL: redis(place) }),
	hosts: { pm2: null, node: { app: ["/usr/bin/python3", "app.py"] } },
	check: (host) => checkFramework(host, { stop: 20 }),
};
