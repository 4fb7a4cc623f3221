module.exports = { apps: [{ name: "d", script: "server.js", instances: 2, exec_mode: "cluster", node_args: `--inspect=127.0.0.1:${process.env.DEBUG_PORT}` }] };
