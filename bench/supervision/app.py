"""The app of app.js for gunicorn."""
import json
import os
import signal
import subprocess
import sys
import threading
import time
from urllib.parse import parse_qs

with open(os.environ["APP_CONTROL"]) as f:
    control = json.load(f)
kept = []


def note(what):
    with open(os.environ["APP_EVENTS"], "a") as events:
        events.write(f"{int(time.time() * 1000)} {os.getpid()} {what}\n")


def hang(_):
    while True:
        pass


def write(_):
    with open(os.environ["APP_TEXT"], "rb") as text:
        payload = text.read()
    for stream in (sys.stdout, sys.stderr):
        stream.buffer.write(payload)
        stream.flush()


ACTIONS = {
    "/": lambda q: {"pid": os.getpid(), "version": control["version"]},
    "/exit": lambda q: os._exit(int(q["code"][0])),
    "/hang": hang,
    "/eat": lambda q: kept.append(b"x" * (int(q["mb"][0]) << 20)),
    "/sh": lambda q: subprocess.call(["sh", "-c", q["script"][0]], start_new_session=True),
    "/write": write,
}


def application(environ, start_response):
    body = json.dumps(ACTIONS[environ["PATH_INFO"]](parse_qs(environ["QUERY_STRING"]))).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def observe(number):
    """Notes the signal, then does what gunicorn's worker would."""
    usual = signal.getsignal(number)

    def handler(*args):
        note(signal.Signals(number).name)
        if not control.get("stubborn"):
            usual(*args)

    signal.signal(number, handler)


note("start")
if control.get("exitAtStart"):
    os._exit(control["exitAtStart"])
if control.get("throwAtStart"):
    raise RuntimeError("a broken version")
time.sleep(control.get("bootMs", 0) / 1000)
for each in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
    observe(each)
note("ready")
if control.get("exitAfterMs"):
    threading.Timer(control["exitAfterMs"] / 1000, lambda: os._exit(78)).start()
