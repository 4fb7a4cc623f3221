const server = require("http").createServer((req, res) => res.end(JSON.stringify(server.address())));
server.listen({ port: process.env.PORT, host: "::1", ipv6Only: true });
