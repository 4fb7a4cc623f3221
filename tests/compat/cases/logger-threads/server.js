// Transports that write from a thread of their own
const pino = require("pino");
const winston = require("winston");

const fast = pino(pino.transport({ target: "pino/file", options: { destination: 1 } }));
const slow = winston.createLogger({ transports: [new winston.transports.Console(), new winston.transports.File({ filename: "app.log" })] });
require("http").createServer((req, res) => {
	fast.info("from pino");
	slow.info("from winston");
	res.end("logged");
}).listen(process.env.PORT);
