require("dotenv").config({ path: "app.env", quiet: true });

require("http").createServer((req, res) => res.end("env")).listen(process.env.PORT || 3000);
