"""Flask-SocketIO, for gunicorn's gevent and eventlet workers."""
import os

from flask import Flask, jsonify
from flask_socketio import SocketIO, emit

app = Flask(__name__)
socketio = SocketIO(app, async_mode=os.environ["ASYNC_MODE"], message_queue=os.environ["REDIS_URL"])


@app.route("/pid")
def plain():
    return jsonify(os.getpid())


@socketio.on("pid")
def pid():
    return os.getpid()


@socketio.on("all")
def all_(text):
    emit("all", text, broadcast=True)
