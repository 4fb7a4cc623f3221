const http = require("http");

http.createServer((req, res) => res.end(`tcp ${process.pid}`)).listen(process.env.PORT);
http.createServer((req, res) => res.end(`unix ${process.pid}`)).listen("app.sock");
