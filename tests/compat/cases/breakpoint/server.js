require("http").createServer((req, res) => res.end(require("inspector").url() ?? "")).listen(process.env.PORT);
