// pm2's own library in the app: metrics and actions for its web page
const io = require("@pm2/io").init();

const asked = io.counter({ name: "asked" });
io.action("flush", (reply) => reply({ done: true }));
require("http").createServer((req, res) => (asked.inc(), res.end("up"))).listen(process.env.PORT);
