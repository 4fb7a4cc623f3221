// Speaks first, and no HTTP
require("net").createServer((socket) => socket.end(`hello from ${process.pid}\n`)).listen(process.env.PORT);
