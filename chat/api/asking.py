"""Create a response for a request, once for each `Idempotency-Key`; cancel it if it ends with its reader."""

import asyncio
import hashlib
import json
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from chat.api.exchange import KEY_HEADER, Exchange
from chat.api.limits import count_request
from chat.api.reader import require_room
from chat.models import Response
from chat.protocol.commands import Create
from chat.protocol.composer import Ending
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.fields import require_storable
from chat.responses.creation import submit
from chat.responses.ending import end
from chat.responses.program_requests import ProgramRequest, outlives_reader
from chat.transport import redis_client
from chat.transport.event_log import Log

MAX_KEY_CHARS = 90
KEY = "key:"  # before the header's value in the column, which has a page's ids, too
# the way in which a reply is read; a repeated request may stream
OF_READING = ("stream", "stream_options")

T = TypeVar("T")

_pending: set[asyncio.Task[Any]] = set()  # asyncio keeps only weak references to tasks


async def ask(exchange: Exchange, command: Create, body: JSON) -> Response:
    """Create and queue a response, or return that of the same `Idempotency-Key`.

    `body`: as sent. If the client leaves, the response continues, or is cancelled if no client can return.
    Raises CommandError, and the errors of an outage.
    """
    command = _with_key(command, exchange.headers)
    if command.stream or not command.background:
        require_room(exchange.owner.pk)
    await count_request(exchange)
    log = Log(redis_client.client())
    program = ProgramRequest(digest(body) if KEY_HEADER in exchange.headers else "")
    # not the handler's task: a response is whole, or not there
    submitting = _start(submit(exchange.owner, command, log, program))
    is_cancelled = not outlives_reader(command)
    if is_cancelled:
        exchange.on_left = lambda: asyncio.shield(_start(_cancel_submitted(log, submitting)))
    try:
        row, _ = await asyncio.shield(submitting)
    except Exception:
        exchange.on_left = None  # there is no response
        raise
    if is_cancelled:  # without the row: its input may be long
        response_id = row.wire_id
        exchange.on_left = lambda: asyncio.shield(_start(_cancel(log, response_id)))
    return row


def digest(body: Mapping[str, Any]) -> str:
    """A hash of what a body asks, whatever the order of its names."""
    asked = {name: value for name, value in body.items() if value is not None and name not in OF_READING}
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _with_key(command: Create, headers: Mapping[str, str]) -> Create:
    key = headers.get(KEY_HEADER)
    if key is None:
        return command
    try:
        require_storable(key)
    except ValueError:
        raise CommandError("invalid_field", KEY_HEADER) from None
    if not 0 < len(key) <= MAX_KEY_CHARS:
        raise CommandError("invalid_field", KEY_HEADER)
    tailrace = command.tailrace.model_copy(update={"client_request_id": KEY + key})
    return command.model_copy(update={"tailrace": tailrace})


async def _cancel_submitted(log: Log, submitting: "asyncio.Task[tuple[Response, bool]]") -> None:
    row, _ = await submitting
    await _cancel(log, row.wire_id)


async def _cancel(log: Log, response_id: str) -> None:
    await end(log, response_id, Ending("cancelled", time.time()))


def _start(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """A task that ends even if its caller does not wait for it."""
    task = asyncio.create_task(work)
    _pending.add(task)
    task.add_done_callback(_forget)
    return task


def _forget(task: asyncio.Task[Any]) -> None:
    _pending.discard(task)
    if not task.cancelled():
        task.exception()  # retrieved: its client may have left
