import { createServer } from "node:http";

const port: number = Number(process.env.PORT);
createServer((req, res) => res.end(String(process.pid))).listen(port);
