// Socket.IO clients that poll. Says "begun" when all are connected, and "again" when each has connected a second time, with the
// errors that the app's users would have seen.
const { io } = require("socket.io-client");
const CLIENTS = 20;
const errors = [];
let first = 0;
let again = 0;

function start() {
	let connects = 0;
	const socket = io("http://127.0.0.1:8080", { transports: ["polling"], forceNew: true });
	socket.on("connect_error", (err) => errors.push(err.message));
	socket.on("connect", () => {
		connects++;
		if (connects === 1 && ++first === CLIENTS) console.log("begun");
		if (connects === 2 && ++again === CLIENTS) {
			console.log("again", JSON.stringify(errors));
			process.exit();
		}
	});
}
for (let i = 0; i < CLIENTS; i++) start();
