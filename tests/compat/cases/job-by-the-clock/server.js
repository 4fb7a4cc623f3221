// On one instance of all
const cron = require("node-cron");

if (["0", undefined].includes(process.env.NODE_APP_INSTANCE)) cron.schedule("* * * * * *", () => console.log("tick"));
require("http").createServer((req, res) => res.end(String(process.pid))).listen(process.env.PORT);
