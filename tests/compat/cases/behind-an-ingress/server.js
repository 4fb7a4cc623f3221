const express = require("express");
const session = require("express-session");

const app = express();
app.set("trust proxy", 1);
app.use(session({ secret: "x", resave: false, saveUninitialized: true, cookie: { secure: true } }));
app.get("/login", (req, res) => res.send(`${req.protocol} ${req.hostname} ${req.ip}`));
app.use((req, res) => (req.secure ? res.send("page") : res.redirect(`https://${req.hostname}${req.url}`)));
app.listen(process.env.PORT);
