// Tells its parent how it is, as agents and pm2's own libraries do
process.send?.({ type: "process:msg", data: { up: true } });
process.send?.("ready");
process.on("disconnect", () => (console.log("parent is gone"), process.exit(1)));
const server = require("http").createServer((req, res) => (process.send?.({ asked: req.url, at: new Date() }), res.end("told")));
server.listen(process.env.PORT);
