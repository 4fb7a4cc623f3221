// As pm2's documentation says: SIGINT is what a process gets
const server = require("http").createServer((req, res) => res.end("up"));
server.listen(process.env.PORT);
process.on("SIGINT", () => setTimeout(() => (console.log("database is closed"), process.exit(0)), 300));
