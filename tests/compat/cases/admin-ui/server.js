const { instrument } = require("@socket.io/admin-ui");
const { createAdapter } = require("@socket.io/cluster-adapter");
const { Server } = require("socket.io");

const server = require("http").createServer((req, res) => res.end(String(process.pid)));
const io = new Server(server, { adapter: createAdapter() });
instrument(io, { auth: false });
server.listen(process.env.PORT);
