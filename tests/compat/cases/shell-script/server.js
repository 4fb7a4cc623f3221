require("http").createServer((req, res) => res.end(`${process.env.GREETING} ${process.argv[2]}`)).listen(process.env.PORT);
process.on("SIGTERM", () => (console.log("got SIGTERM"), process.exit(0)));
