const http = require("http");

http.createServer((req, res) => res.end(`app ${process.pid}`)).listen(process.env.PORT);
http.createServer((req, res) => res.end(`api ${process.pid}`)).listen(process.env.API_PORT);
