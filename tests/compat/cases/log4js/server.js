const log4js = require("log4js");

log4js.configure({ appenders: { out: { type: "stdout", layout: { type: "messagePassThrough" } } }, categories: { default: { appenders: ["out"], level: "info" } } });
require("http").createServer((req, res) => (log4js.getLogger().info(`asked ${req.url}`), res.end("logged"))).listen(process.env.PORT);
