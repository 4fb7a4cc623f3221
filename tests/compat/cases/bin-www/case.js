module.exports = {
	title: "bin/www of express-generator: a script without .js",
	kind: "framework",
	fast: true,
	app: "./bin/www",
	hosts: { sioinit: { args: () => ["bin/www"] }, node: { app: [process.execPath, "bin/www"] } },
	check: (host) => host.workersThat(),
};
