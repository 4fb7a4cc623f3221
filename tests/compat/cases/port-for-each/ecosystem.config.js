// The second way of Socket.IO's guide: a port for each process, a load balancer in front
module.exports = { apps: [{ name: "chat", script: "server.js", instances: 2, exec_mode: "fork", increment_var: "PORT", env: { PORT: process.env.FIRST_PORT } }] };
