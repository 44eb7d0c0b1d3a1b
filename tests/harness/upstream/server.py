"""The upstream's process: routes, the key, the records."""

import asyncio
import json
import signal
import time
from collections import Counter, deque
from dataclasses import asdict
from email.utils import formatdate

from aiohttp import web

from tests.harness.upstream.answer import Answer
from tests.harness.upstream.behaviour import Behaviour, UnknownModelError, parse
from tests.harness.upstream.frames import error_body
from tests.harness.upstream.record import Record

MAX_RECORDS = 10_000  # the oldest go first; a long benchmark must not grow without end
MAX_BODY_BYTES = 32 * 1024 * 1024
EXAMPLES = (
    "fast",
    "echo",
    "words-50@20",
    "reasoning-10+words-20",
    "status-429",
    "stall-after-5",
    "split-utf8",
)


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(status, code, message)
        self.headers = headers

    def response(self) -> web.Response:
        """Return the error as OpenAI words it."""
        return web.json_response(self.body, status=self.status, headers=self.headers)


class Server:
    """Answers requests, and records them."""

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key
        self.records: deque[Record] = deque(maxlen=MAX_RECORDS)
        self.requests_by_model: Counter[str] = Counter()
        self.released: dict[str, asyncio.Event] = {}  # by model: of the latest request
        self.asked = 0

    def application(self) -> web.Application:
        """Return the routes."""
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.add_routes(
            [
                web.post("/v1/chat/completions", self.complete),
                web.get("/v1/models", self.list_models),
                web.get("/control/requests", self.list_requests),
                web.delete("/control/requests", self.clear_requests),
                web.post("/control/releases", self.release),
            ]
        )
        return application

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Record one chat completion and answer it as its model name says."""
        record = await self.recorded(request)
        try:
            self.check(request, record)
            return await self.play(request, record)
        except RefusedError as refused:
            record.finish()
            return refused.response()
        except (asyncio.CancelledError, ConnectionError):
            record.abort()  # the connection was lost; this is known at once, though nothing was being written
            raise

    async def recorded(self, request: web.Request) -> Record:
        """Read the body and record it."""
        body = await request.json()
        model = str(body.get("model", ""))
        self.asked += 1
        self.requests_by_model[model] += 1
        record = Record(
            id=f"chatcmpl-{self.asked}",
            model=model,
            messages=body.get("messages") or [],
            body=body,
            key=bearer_key(request),
            started_at=time.time(),
        )
        self.records.append(record)
        return record

    def check(self, request: web.Request, record: Record) -> None:
        """Raise RefusedError when the key is another one, or when no stream is asked for."""
        self.check_key(request)
        if record.body.get("stream") is not True:
            raise RefusedError(400, "stream_only", 'The scripted upstream only streams: send "stream": true.')

    async def play(self, request: web.Request, record: Record) -> web.StreamResponse:
        """Play the model's script. Raise RefusedError when that is an error or when it cannot be read."""
        try:
            behaviour = parse(record.model).on_request(self.requests_by_model[record.model])
        except UnknownModelError as error:
            raise RefusedError(404, "model_not_found", str(error)) from error
        if behaviour.refuses:
            code = f"status_{behaviour.status}"
            message = "The scripted upstream refuses."
            raise RefusedError(behaviour.status, code, message, retry_headers(behaviour))
        released = self.released[record.model] = asyncio.Event()
        return await Answer(request, behaviour, record, released).play()

    async def list_models(self, request: web.Request) -> web.Response:
        """Return a few names; the grammar has many more."""
        try:
            self.check_key(request)
        except RefusedError as refused:
            return refused.response()
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in EXAMPLES]
        return web.json_response({"object": "list", "data": rows})

    async def list_requests(self, request: web.Request) -> web.Response:
        """Return the records, of one model or of all, oldest first."""
        model = request.query.get("model")
        return web.json_response([asdict(row) for row in self.records if model in (None, row.model)])

    async def clear_requests(self, request: web.Request) -> web.Response:
        """Delete the records, of one model or of all."""
        model = request.query.get("model")
        kept = [row for row in self.records if model not in (None, row.model)]
        self.records = deque(kept, MAX_RECORDS)
        self.requests_by_model = Counter(row.model for row in kept)
        return web.Response(status=204)

    async def release(self, request: web.Request) -> web.Response:
        """Let the latest request for a model go on."""
        released = self.released.get(request.query["model"])
        if released is None:
            raise web.HTTPNotFound
        released.set()
        return web.Response(status=204)

    def check_key(self, request: web.Request) -> None:
        """Raise RefusedError when a key is asked for and this is not it."""
        if self.api_key and bearer_key(request) != self.api_key:
            raise RefusedError(401, "invalid_api_key", "The scripted upstream was started with another key.")


def bearer_key(request: web.Request) -> str:
    """Return the key of the request, or the empty string."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" else ""


def retry_headers(behaviour: Behaviour) -> dict[str, str]:
    """Return the headers that say when to come back, if the behaviour has them."""
    if behaviour.retry_after is None:
        return {}
    if behaviour.retry_after_form == "ms":
        return {"retry-after-ms": str(behaviour.retry_after)}
    if behaviour.retry_after_form == "date":
        return {"Retry-After": formatdate(time.time() + behaviour.retry_after, usegmt=True)}
    return {"Retry-After": str(behaviour.retry_after)}


async def serve(port: int, api_key: str) -> None:
    """Listen on loopback until SIGTERM; print one JSON line when ready."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    application = Server(api_key).application()
    runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    port = runner.addresses[0][1]
    ready = {"port": port, "base_url": f"http://127.0.0.1:{port}/v1"}
    print(json.dumps(ready), flush=True)  # noqa: T201 - the ready line
    await stop.wait()
    await runner.cleanup()
