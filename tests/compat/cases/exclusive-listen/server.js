// Past the cluster, as servers do that are not written in JavaScript
const server = require("http").createServer((req, res) => res.end("own"));
server.listen({ port: process.env.PORT, host: "127.0.0.1", exclusive: true });
