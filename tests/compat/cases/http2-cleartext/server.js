const server = require("http2").createServer();
server.on("stream", (stream) => (stream.respond({ ":status": 200 }), stream.end(`h2 ${process.pid}`)));
server.listen(process.env.PORT);
