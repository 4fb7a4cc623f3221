process.on("SIGUSR2", () => console.log("heap is dumped"));
process.on("SIGWINCH", () => console.log("never mind"));
require("http").createServer((req, res) => res.end(String(process.pid))).listen(process.env.PORT);
