const server = require("http").createServer((req, res) => res.end(`uid ${process.getuid()}`));
server.listen(process.env.PORT, () => process.getuid() === 0 && (process.setgid("nogroup"), process.setuid("nobody")));
