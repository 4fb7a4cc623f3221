"""ASGI: python-socketio, for uvicorn, hypercorn and gunicorn with uvicorn's workers. Broadcasts between workers go through Redis."""
import json
import os

import socketio

# uvicorn and aiohttp stop when the last poll has been answered, which the next ping does at the latest.
sio = socketio.AsyncServer(ping_interval=5, async_mode="asgi", client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"]))


@sio.on("pid")
async def pid(sid):
    return os.getpid()


@sio.on("all")
async def all_(sid, text):
    await sio.emit("all", text)


async def plain(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            phase = (await receive())["type"]
            await send({"type": f"{phase}.complete"})
            if phase == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(os.getpid()).encode()})


app = socketio.ASGIApp(sio, plain)
