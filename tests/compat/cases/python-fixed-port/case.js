module.exports = {
	title: "Python with its port in the arguments, as in `gunicorn -b :8000`",
	kind: "listen",
	needs: ["python3"],
	app: ["python3", "app.py"],
	workers: 1,
	hosts: {
		sioinit: { args: ({ port }) => ["--", "python3", "app.py", port] },
		pm2: { args: ({ port, pm2 }) => [pm2, "app.py", "--interpreter", "python3", "--", port] },
		node: null,
	},
	check: (host) => host.answers(),
	differs: { sioinit: { why: "the number is to be {port}", says: /write \{port\} in place/ } },
};
