require("http").createServer((req, res) => res.end(`at ${process.env.PORT}`)).listen(process.env.PORT);
