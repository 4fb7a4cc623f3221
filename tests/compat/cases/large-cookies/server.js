require("http").createServer((req, res) => res.end(String(req.headers.cookie?.length))).listen(process.env.PORT);
