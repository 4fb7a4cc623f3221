require("http").createServer((req, res) => res.end("up")).listen(process.env.PORT);
