export default { preset: "node-server", experimental: { websocket: true }, compatibilityDate: "2026-01-01" };
