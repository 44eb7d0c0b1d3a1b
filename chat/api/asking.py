"""Create a response for a request, once for each `Idempotency-Key`; cancel it if it ends with its reader."""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

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

_submitting: set[asyncio.Task[Any]] = set()  # asyncio keeps only weak references to tasks


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
    submitting = asyncio.create_task(submit(exchange.owner, command, log, program))
    _submitting.add(submitting)
    submitting.add_done_callback(_forget)
    is_cancelled = not outlives_reader(command)
    if is_cancelled:
        exchange.on_left = partial(_cancel_submitted, log, submitting)
    try:
        row, _ = await asyncio.shield(submitting)
    except Exception:
        exchange.on_left = None  # there is no response
        raise
    if is_cancelled:  # without the row: its input may be long
        exchange.on_left = partial(_cancel, log, row.wire_id)
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


def _forget(submitting: asyncio.Task[Any]) -> None:
    _submitting.discard(submitting)
    if not submitting.cancelled():
        submitting.exception()  # retrieved: its client may have left
