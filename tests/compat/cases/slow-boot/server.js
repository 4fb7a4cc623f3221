const server = require("http").createServer((req, res) => res.end("up"));
setTimeout(() => server.listen(process.env.PORT), 1500);
