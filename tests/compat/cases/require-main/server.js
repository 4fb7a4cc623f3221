const server = require("http").createServer((req, res) => res.end("main"));
module.exports = server;
if (require.main === module) server.listen(process.env.PORT);
