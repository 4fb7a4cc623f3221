export const GET = () => Response.json(process.pid);
