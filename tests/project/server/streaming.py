"""A web server with streams alone: `python -m tests.project.server.streaming serve|uvicorn PORT`.

`/flood` sends COUNT numbered lines of KIB, `/impatient` the same to a client that must read at once, `/wait`
one line and no end, `/error` one line before an error. `/` says how the requests before it went.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from typing import Any

import django
import uvicorn

from chat.streaming import http_connection
from chat.streaming.backpressure import Receive, Send
from chat.streaming.http_connection import HttpConnection
from project.server.lifespan import Lifespan
from project.server.server import BoundedServer
from project.server.transports import Transports

KIB = 1024
COUNT = 30_000
PATIENT_SECS, IMPATIENT_SECS = 3600, 1
HEADERS = [(b"content-type", b"text/plain")]
ends: Counter[str] = Counter()


def line(number: int) -> str:
    """One line of a flood."""
    return f"{number}\n".rjust(KIB, ".")


async def flood(connection: HttpConnection) -> None:
    """All lines, as fast as the client reads."""
    http_connection.UNREAD_SECS = PATIENT_SECS
    await send_lines(connection)


async def give_up(connection: HttpConnection) -> None:
    """The same, to a client that must read."""
    http_connection.UNREAD_SECS = IMPATIENT_SECS
    await send_lines(connection)


async def send_lines(connection: HttpConnection) -> None:
    resumed = asyncio.Event()
    connection.on_resume = resumed.set
    await connection.open(200, HEADERS)
    for number in range(COUNT):
        if connection.paused:
            ends["paused"] += 1
            ends["paused at"] = number
            resumed.clear()
            await resumed.wait()
        await connection.send_text(line(number))
    await connection.end()
    ends["whole"] += 1


async def wait(connection: HttpConnection) -> None:
    """No end."""
    await connection.open(200, HEADERS)
    await connection.send_text(line(0))
    await asyncio.Event().wait()


async def fail(connection: HttpConnection) -> None:
    """An error of the application."""
    await connection.open(200, HEADERS)
    await connection.send_text(line(0))
    raise LookupError


async def tell(connection: HttpConnection) -> None:
    """The counts so far."""
    await connection.reply(200, HEADERS, json.dumps(ends).encode())


PATHS = {"/flood": flood, "/impatient": give_up, "/wait": wait, "/error": fail, "/": tell}


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one request."""
    await receive()
    connection = HttpConnection(scope, receive, send)
    try:
        await connection.serve(PATHS[scope["path"]](connection))
    finally:
        ends["left"] += connection.left.is_set()
        ends["moved"] += connection.moved


if __name__ == "__main__":
    kind, port = sys.argv[1], int(sys.argv[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    if kind == "serve":
        BoundedServer(Transports(application), endpoints=[f"tcp:port={port}:interface=127.0.0.1"]).run()
    else:
        uvicorn.run(Lifespan(Transports(application)), port=port)
