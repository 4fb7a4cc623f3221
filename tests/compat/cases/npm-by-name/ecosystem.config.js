module.exports = { apps: [{ name: "board", script: "npm", args: "start", node_args: "--max-old-space-size=256", env: { NODE_ENV: "production" } }] };
