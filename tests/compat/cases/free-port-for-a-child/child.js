const server = require("http").createServer().listen(process.argv[2], () => process.send("listening"));
server.on("error", (err) => process.send(err.code));
