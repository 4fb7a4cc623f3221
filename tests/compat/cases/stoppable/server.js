const stoppable = require("stoppable");

const server = stoppable(require("http").createServer((req, res) => res.end(`${process.pid}`)), 2000);
const stop = () => server.stop(() => (console.log("cleaned up"), process.exit(0)));
process.once("SIGTERM", stop).once("SIGINT", stop);
server.listen(process.env.PORT);
