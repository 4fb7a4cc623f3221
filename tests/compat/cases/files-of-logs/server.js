console.log("to the file");
console.error("to the other file");
require("http").createServer((req, res) => res.end("up")).listen(process.env.PORT);
