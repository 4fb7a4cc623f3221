// Answers of all forms
const http = require("http");

const forms = {
	"/none": (res) => res.writeHead(204).end(),
	"/unchanged": (res) => res.writeHead(304, { ETag: '"x"' }).end(),
	"/cookies": (res) => res.writeHead(200, { "Set-Cookie": ["a=1; Path=/", "b=2; HttpOnly"], "X-Case": "kept" }).end("cookies"),
	"/reason": (res) => res.writeHead(418, "Short and stout").end("teapot"),
	"/large-head": (res) => res.writeHead(200, { "Content-Security-Policy": "x".repeat(12000) }).end("large"),
	"/early": (res) => (res.writeEarlyHints({ link: "</a.css>; rel=preload" }), res.end("after hints")),
	"/trailers": (res) => (res.writeHead(200, { Trailer: "X-Sum" }), res.write("body"), res.addTrailers({ "X-Sum": "7" }), res.end()),
};

http.createServer((req, res) => (forms[req.url] ?? ((r) => r.end("up")))(res)).listen(process.env.PORT);
