const server = require("http").createServer((req, res) => res.end("inside"));
server.listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 64 });
