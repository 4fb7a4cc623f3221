require("http").createServer((req, res) => res.end("watched")).listen(process.env.PORT);
