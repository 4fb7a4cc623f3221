console.log("the mailer is up");
setInterval(() => {}, 1000);
process.on("SIGTERM", () => process.exit(0)).on("SIGINT", () => process.exit(0));
