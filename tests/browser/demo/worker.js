// examples/chat; while there is a file $TROUBLE, worker 2 does not get along without its database.
const fs = require("fs");

const isTroubled = () => process.env.NODE_APP_INSTANCE === "2" && fs.existsSync(process.env.TROUBLE);

function fail() {
	console.error("chat: the database does not answer, giving up\nError: connect ECONNREFUSED 10.20.0.7:5432");
	process.exit(1);
}
setInterval(() => isTroubled() && fail(), 300).unref();
require("../../../examples/chat/worker.js");
