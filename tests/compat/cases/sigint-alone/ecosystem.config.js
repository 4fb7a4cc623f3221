module.exports = { apps: [{ name: "api", script: "server.js", instances: 2, exec_mode: "cluster", kill_timeout: 3000 }] };
