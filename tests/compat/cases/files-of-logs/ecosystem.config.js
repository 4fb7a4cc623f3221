module.exports = { apps: [{ name: "api", script: "server.js", out_file: "logs/out.log", error_file: "logs/error.log", merge_logs: true }] };
