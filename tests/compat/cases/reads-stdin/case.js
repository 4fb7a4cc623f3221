module.exports = {
	title: "reads its stdin, a pipe, one worker",
	kind: "operations",
	fast: true,
	app: "server.js",
	workers: 1,
	stdin: "pipe",
	async check(host) {
		await host.answers();
		host.stdin.write("a line\n");
		await host.says(/read a line/, 3000);
	},
	differs: { pm2: "stdin is pm2's" },
};
