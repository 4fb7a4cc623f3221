module.exports = { apps: [{ name: "api", script: "server.js", instances: 2, exec_mode: "cluster", wait_ready: true, listen_timeout: 8000 }] };
