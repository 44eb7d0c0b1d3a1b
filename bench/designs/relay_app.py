"""`relay`: the floor. One asyncio process reads the model's stream and writes the socket.

No Django, users, limits or storage. Run by `python -m bench.designs.relay_app --port N`.
"""

import argparse
import json
import os
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

SESSION = web.AppKey("session", aiohttp.ClientSession)


async def relay(request: web.Request) -> web.WebSocketResponse:
    """Answer a question, delta by delta."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        question = json.loads(message.data)
        body = {
            "model": question["model"],
            "messages": [{"role": "user", "content": question["input"]}],
            "stream": True,
        }
        url = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
        async with request.app[SESSION].post(url, json=body) as reply:
            async for line in reply.content:
                if line.startswith(b"data: {"):
                    choices = json.loads(line[6:])["choices"]
                    if choices and (text := choices[0]["delta"].get("content")):
                        await socket.send_str(json.dumps({"delta": text}))
        await socket.send_str(json.dumps({"done": True}))
    return socket


async def session(app: web.Application) -> AsyncIterator[None]:
    """Share one client."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout()) as app[SESSION]:
        yield


def application() -> web.Application:
    """Return the app with its one route."""
    app = web.Application()
    app.add_routes([web.get("/ws/", relay)])
    app.cleanup_ctx.append(session)
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The floor of the benchmark.")
    parser.add_argument("--port", type=int, required=True)
    web.run_app(application(), host="127.0.0.1", port=parser.parse_args().port, access_log=None, print=None)
