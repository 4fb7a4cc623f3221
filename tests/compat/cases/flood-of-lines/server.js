const line = "x".repeat(99);
require("http").createServer((req, res) => {
	for (let i = 0; i < 100000; i++) console.log(`${String(i).padStart(6, "0")} ${line}`);
	console.log("y".repeat(300000));
	process.stdout.write("no newline \u001b[32mgreen\u001b[0m \u2713");
	res.end("written");
}).listen(process.env.PORT);
