// A first server says that the app boots, then the port goes to the real one.
const http = require("http");

const port = Number(process.env.PORT);
const booting = http.createServer((req, res) => res.writeHead(503, { Connection: "close" }).end("booting"));
const app = http.createServer((req, res) => res.end(`app ${process.pid}`));
booting.listen(port, () => setTimeout(() => {
	booting.close(() => app.listen(port));
	booting.closeAllConnections();
}, 500));
