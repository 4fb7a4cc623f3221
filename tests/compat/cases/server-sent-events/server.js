// Counts its listeners, and forgets those that are gone
const http = require("http");

let listeners = 0;
http.createServer((req, res) => {
	if (req.url === "/count") return res.end(`${process.pid} ${listeners}`);
	listeners++;
	req.on("close", () => listeners--);
	res.writeHead(200, { "Content-Type": "text/event-stream" });
	res.write("data: first\n\n");
}).listen(process.env.PORT);
