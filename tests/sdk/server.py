"""An HTTP server that streams the cases as OpenAI's Responses API does: server-sent events."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from chat.protocol.plain import NOTHING, event_type
from project.up.ports import HOST
from tests.harness.waiting import deadline
from tests.sdk.cases import CASES, Source, sources

HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache, no-transform"}
SOURCES: dict[str, Source] = {source.name: source for case in CASES for source in sources(case)}


async def create(request: web.Request) -> web.StreamResponse:
    """The stream of the source that the model names."""
    body = await request.json()
    assert body["stream"] is True
    return await stream(request, SOURCES[body["model"]], NOTHING)


async def retrieve(request: web.Request) -> web.StreamResponse:
    """The same by the response's id, which the source's name follows."""
    assert request.query["stream"] == "true"
    after = int(request.query.get("starting_after", NOTHING))
    return await stream(request, SOURCES[request.match_info["name"]], after)


async def stream(request: web.Request, source: Source, starting_after: int) -> web.StreamResponse:
    """The plain form of each frame at once; a comment for a frame without one."""
    reply = web.StreamResponse(headers=HEADERS)
    await reply.prepare(request)
    for texts in source.plain(starting_after):
        frames = [f"event: {event_type(text)}\ndata: {text}\n\n" for text in texts] or [": keep-alive\n\n"]
        await reply.write("".join(frames).encode())
    await reply.write(b"data: [DONE]\n\n")
    return reply


@contextmanager
def running() -> Iterator[str]:
    """Serve from another thread until the block ends; gives the base URL."""
    ready: list[str] = []
    started, stopped = threading.Event(), threading.Event()

    async def serve() -> None:
        application = web.Application()
        application.add_routes([web.post("/v1/responses", create), web.get("/v1/responses/{name}", retrieve)])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        ready.append(f"http://{HOST}:{runner.addresses[0][1]}/v1")
        started.set()
        await asyncio.to_thread(stopped.wait)
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    try:
        assert started.wait(deadline())
        yield ready[0]
    finally:
        stopped.set()
        thread.join()
