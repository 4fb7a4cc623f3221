const fs = require("fs");

module.exports = {
	title: "has its port in its own .env (dotenv)",
	kind: "listen",
	app: "server.js",
	needs: ["dotenv"],
	env({ port, dir }) {
		fs.writeFileSync(`${dir}/app.env`, `PORT=${port}\n`);
		return { PORT: undefined };
	},
	check: (host) => host.answers(),
};
