require("http").createServer((req, res) => res.end("web")).listen(process.env.PORT);
