module.exports = { apps: [{ name: "migrate", script: "server.js", autorestart: false }] };
