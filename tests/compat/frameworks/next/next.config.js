module.exports = { rewrites: async () => [{ source: "/pid", destination: "/api/pid" }] };
