const express = require("express");
const { rateLimit } = require("express-rate-limit");

const app = express();
app.use(rateLimit({ windowMs: 60000, limit: 1000 }));
app.get("/", (req, res) => res.send(req.ip));
app.listen(process.env.PORT, "0.0.0.0");
