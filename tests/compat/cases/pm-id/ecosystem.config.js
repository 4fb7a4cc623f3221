module.exports = { apps: [{ name: "jobs", script: "server.js", instances: 2, exec_mode: "cluster", env: { NODE_ENV: "production", REGION: "eu" } }] };
