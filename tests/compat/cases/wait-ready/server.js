// Listens at once, and is ready when its cache is warm
const server = require("http").createServer((req, res) => res.end(warm ? "warm" : "cold"));
let warm = false;
server.listen(process.env.PORT);
setTimeout(() => ((warm = true), process.send("ready")), 1500);
