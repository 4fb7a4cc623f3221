require("http").createServer((req, res) => setTimeout(() => res.end("late"), 3000)).listen(process.env.PORT);
