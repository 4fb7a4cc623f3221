// Takes the next port when the one it wants is in use, as development servers do
const server = require("http").createServer((req, res) => res.end("here"));
server.once("error", (err) => (console.log(err.code), server.listen(process.env.PORT)));
server.listen(process.env.TAKEN);
