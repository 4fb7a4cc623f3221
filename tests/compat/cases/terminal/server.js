const { isTTY, columns } = process.stdout;
require("http").createServer((req, res) => res.end(JSON.stringify([isTTY ?? null, columns ?? null, process.stdin.isTTY ?? null]))).listen(process.env.PORT);
