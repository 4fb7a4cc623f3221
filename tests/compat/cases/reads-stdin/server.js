const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => console.log(`read ${line}`)).on("close", () => console.log("stdin is closed"));
require("http").createServer((req, res) => res.end("up")).listen(process.env.PORT);
