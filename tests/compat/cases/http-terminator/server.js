const { createHttpTerminator } = require("http-terminator");

const server = require("http").createServer((req, res) => res.end("up"));
const terminator = createHttpTerminator({ server });
const stop = async () => (await terminator.terminate(), console.log("cleaned up"), process.exit(0));
process.once("SIGTERM", stop).once("SIGINT", stop);
server.listen(process.env.PORT);
