require("http").createServer((req, res) => (res.write("in "), res.end("pieces"))).listen(process.env.PORT);
