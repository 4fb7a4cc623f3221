# Each worker has its own clients: for rooms across workers python-socketio wants a Redis (AsyncRedisManager).
import os

import socketio

sio = socketio.AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(sio)


@sio.event
async def connect(sid, environ):
    await sio.emit("worker", os.environ.get("SIOINIT_SLOT"), to=sid)


@sio.event
async def message(sid, text):
    await sio.emit("message", text, to=sid)
