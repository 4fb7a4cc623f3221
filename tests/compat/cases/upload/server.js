const crypto = require("crypto");
const http = require("http");

http.createServer((req, res) => {
	const hash = crypto.createHash("sha256");
	req.on("data", (part) => hash.update(part)).on("end", () => res.end(hash.digest("hex")));
}).listen(process.env.PORT);
