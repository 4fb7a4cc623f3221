require("http").createServer((req, res) => res.end(req.method)).listen(process.env.PORT);
