require("net").createServer((socket) => socket.end("220 ready\n")).listen(process.env.PORT);
