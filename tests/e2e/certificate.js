// A self-signed certificate for localhost, and its key, as PEM: made here, so that none can expire.
const crypto = require("crypto");

const der = (tag, ...parts) => {
	const body = Buffer.concat(parts.map((p) => Buffer.from(p)));
	const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255];
	return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts) => der(0x30, ...parts);
const oid = (hex) => der(0x06, Buffer.from(hex, "hex"));
const utcTime = (year) => der(0x17, `${year % 100}0101000000Z`);

const ecdsaWithSHA256 = sequence(oid("2a8648ce3d040302"));
const name = sequence(der(0x31, sequence(oid("550403"), der(0x0c, "localhost"))));

module.exports = function certificate() {
	const { publicKey, privateKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
	const version3 = der(0xa0, der(0x02, [2]));
	const year = new Date().getUTCFullYear();
	const validity = sequence(utcTime(year - 1), utcTime(year + 2));
	const body = sequence(version3, der(0x02, [1]), ecdsaWithSHA256, name, validity, name, publicKey.export({ type: "spki", format: "der" }));
	const signature = der(0x03, [0], crypto.sign("sha256", body, privateKey));
	const lines = sequence(body, ecdsaWithSHA256, signature).toString("base64").match(/.{1,64}/g).join("\n");
	return { key: privateKey.export({ type: "pkcs8", format: "pem" }), cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` };
};
