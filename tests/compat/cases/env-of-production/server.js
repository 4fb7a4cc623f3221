require("http").createServer((req, res) => res.end(`${process.env.NODE_ENV} ${process.env.API}`)).listen(process.env.PORT);
