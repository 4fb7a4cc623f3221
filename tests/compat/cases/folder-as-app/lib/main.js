require("http").createServer((req, res) => res.end("folder")).listen(process.env.PORT);
