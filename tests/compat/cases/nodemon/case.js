module.exports = {
	title: "nodemon",
	kind: "channel",
	app: ["node_modules/.bin/nodemon", "server.js"],
	needs: ["nodemon"],
	workers: 1,
	check: (host) => host.answers(),
};
