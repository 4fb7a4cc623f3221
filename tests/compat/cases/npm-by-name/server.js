require("http").createServer((req, res) => res.end("board")).listen(process.env.PORT);
