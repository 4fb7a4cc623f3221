const compression = require("compression");
const express = require("express");

const app = express();
app.use(compression({ threshold: 0 }));
app.use(express.static("public"));
app.get("/file", (req, res) => res.sendFile("/public/page.html", { root: "." }));
app.listen(process.env.PORT);
