const server = require("http").createServer((req, res) => {
	res.end("going");
	setImmediate(() => {
		for (let i = 0; i < 2000; i++) console.log(`last ${i}`);
		console.error("last error");
		process.exit(3);
	});
});
server.listen(process.env.PORT);
process.on("exit", (code) => console.log(`exit ${code}`));
