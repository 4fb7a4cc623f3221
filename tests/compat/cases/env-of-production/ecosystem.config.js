module.exports = { apps: [{ name: "api", script: "server.js", env: { NODE_ENV: "development", API: "local" }, env_production: { NODE_ENV: "production" } }] };
