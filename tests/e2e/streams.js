// Long streams whose every byte can be told: stream NAME is AES-CTR under NAME as the key.
const crypto = require("crypto");
const { once } = require("events");

const PIECE = 1 << 20;
const zeros = Buffer.alloc(PIECE);
const generator = (name) => crypto.createCipheriv("aes-128-ctr", name.padEnd(16).slice(0, 16), Buffer.alloc(16));

function* pieces(name, bytes) {
	const cipher = generator(name);
	for (let left = bytes; left > 0; left -= PIECE) yield cipher.update(zeros.subarray(0, Math.min(left, PIECE)));
}

function hashOf(name, bytes) {
	const hash = crypto.createHash("sha256");
	for (const piece of pieces(name, bytes)) hash.update(piece);
	return hash.digest("hex");
}

// `progress.sent` grows with what the kernel has taken
async function send(socket, name, bytes, progress = { sent: 0 }) {
	for (const piece of pieces(name, bytes))
		await new Promise((resolve, reject) => socket.write(piece, (err) => (err ? reject(err) : resolve((progress.sent += piece.length)))));
}

// Reads all, or `bytes` of them, after which it pauses; slow: with a rest after every 256 KB
class Hasher {
	constructor(socket, { bytes = Infinity, slow } = {}) {
		const hash = crypto.createHash("sha256");
		let left = bytes, read = 0;
		this.done = new Promise((resolve) => {
			const finish = () => resolve(hash.digest("hex"));
			const take = (chunk) => {
				const mine = chunk.subarray(0, left);
				hash.update(mine);
				left -= mine.length;
				read += mine.length;
				if (left === 0) {
					socket.off("data", take).off("end", finish).pause();
					if (mine.length < chunk.length) socket.unshift(chunk.subarray(mine.length));
					finish();
				} else if (slow && read >= 256 << 10) {
					read = 0;
					socket.pause();
					setTimeout(() => socket.resume(), 1);
				}
			};
			socket.on("data", take).once("end", finish).resume();
		});
	}
}

async function rest(socket) {
	const parts = [];
	socket.on("data", (bytes) => parts.push(bytes)).resume();
	await once(socket, "end");
	return Buffer.concat(parts).toString();
}

module.exports = { hashOf, send, Hasher, rest };
