// The metrics server is there at once, the app when its database is.
const http = require("http");

http.createServer((req, res) => res.end(`metrics ${process.pid}`)).listen(process.env.METRICS_PORT, "127.0.0.1");
const app = http.createServer((req, res) => res.end(`app ${process.pid}`));
setTimeout(() => app.listen(process.env.PORT, () => console.log("app is up")), 500);
