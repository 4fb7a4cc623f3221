require("http").createServer((req, res) => res.end(process.env.INSTANCE_ID ?? "not set")).listen(process.env.PORT);
