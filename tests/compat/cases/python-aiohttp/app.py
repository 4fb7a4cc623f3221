import os

import socketio
from aiohttp import web

# uvicorn and aiohttp stop when the last poll has been answered, which the next ping does at the latest.
sio = socketio.AsyncServer(ping_interval=5, async_mode="aiohttp", client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"]))
app = web.Application()
sio.attach(app)


@sio.on("pid")
async def pid(sid):
    return os.getpid()


@sio.on("all")
async def all_(sid, text):
    await sio.emit("all", text)


async def plain(request):
    return web.json_response(os.getpid())


app.router.add_get("/pid", plain)

if __name__ == "__main__":
    web.run_app(app, port=int(os.environ["PORT"]))
