if (process.env.pm_id === "0") console.log("the job runs here");
require("http").createServer((req, res) => res.end(JSON.stringify([process.env.pm_id, process.env.name, process.env.NODE_ENV, process.env.REGION]))).listen(process.env.PORT);
