const { createTerminus } = require("@godaddy/terminus");

const server = require("http").createServer((req, res) => res.end(`${process.pid}`));
createTerminus(server, { signals: ["SIGTERM", "SIGINT"], healthChecks: { "/health": async () => "well" }, onShutdown: async () => console.log("cleaned up") });
server.listen(process.env.PORT);
