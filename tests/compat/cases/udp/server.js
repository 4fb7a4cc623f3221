const socket = require("dgram").createSocket("udp4");
socket.on("message", (text, { port, address }) => socket.send(`${text} back`, port, address));
socket.bind(Number(process.env.UDP_PORT));
require("http").createServer((req, res) => res.end()).listen(process.env.PORT);
