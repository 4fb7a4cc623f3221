const http = require("http");

http.createServer((req, res) => {
	const { method, url, httpVersion, rawHeaders } = req;
	res.end(JSON.stringify({ method, url, httpVersion, rawHeaders }));
}).listen(process.env.PORT);
