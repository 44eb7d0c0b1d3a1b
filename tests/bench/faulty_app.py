"""A design that sends one token too seldom or too often: `python -m tests.bench.faulty_app --port N`."""

import argparse
import json
import time

from aiohttp import web

from bench.tokens import token

FAULTY_TOKEN = 5


async def answer(request: web.Request) -> web.WebSocketResponse:
    """Send as many tokens as the prompt says, the faulty one `times` times."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        count = int(json.loads(message.data)["input"].removeprefix("[stamped-").partition("@")[0])
        for number in range(count):
            times = request.app[TIMES] if number == FAULTY_TOKEN else 1
            await socket.send_str(json.dumps({"delta": token(number, time.monotonic()) * times}))
        await socket.send_str(json.dumps({"done": True}))
    return socket


TIMES = web.AppKey("times", int)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--times", type=int, required=True, help="that the faulty token comes")
    options = parser.parse_args()
    app = web.Application()
    app[TIMES] = options.times
    app.add_routes([web.get("/ws/", answer)])
    web.run_app(app, host="127.0.0.1", port=options.port, access_log=None, print=None)
