const express = require("express");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/cluster-adapter");

const app = express();
app.get("/pid", (req, res) => res.json(process.pid));
const server = app.listen(process.env.PORT);
const io = new Server(server);
if (process.send) io.adapter(createAdapter());
io.on("connection", (socket) => {
	socket.on("pid", (done) => done(process.pid));
	socket.on("all", (text) => io.emit("all", text));
});
