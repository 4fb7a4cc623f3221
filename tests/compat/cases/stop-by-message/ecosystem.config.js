module.exports = { apps: [{ name: "api", script: "server.js", instances: 2, exec_mode: "cluster", shutdown_with_message: true, kill_timeout: 5000 }] };
