"""`/v1/responses`: ask, read again, cancel, delete.

Format: https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from chat.api import errors
from chat.api.asking import ask
from chat.api.endpoint import Endpoint
from chat.api.exchange import KEY_HEADER, Exchange
from chat.api.live import current_object
from chat.api.pages import list_page
from chat.api.reader import Reader, require_room
from chat.api.server_events import DONE, ServerEvents
from chat.ids import RESPONSE, bare
from chat.models import Response
from chat.protocol.commands import OF_PROGRAMS, Create, create
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON, TERMINAL_OF, Snapshot, decode, is_terminal
from chat.protocol.objects import ResponseObject
from chat.protocol.plain import NOTHING
from chat.responses.deletion import delete
from chat.responses.ending import cancel
from chat.responses.model_catalog import client_parameters
from chat.responses.ownership import FOLLOWED, followed, own_response
from chat.responses.representation import response_object
from chat.transport import redis_client
from chat.transport.event_log import Log

POLL_HEADERS = {"openai-poll-after-ms": "1000"}  # of a live object
MAX_NUMBER_CHARS = 16  # of an event; JSON's safe integers
SNAPSHOT = f'{{"type":"{Snapshot.type}"'


class Responses(Endpoint):
    """`/v1/responses`."""

    async def post(self, exchange: Exchange) -> None:
        """Create a response; reply with its events, with its object at once, or with that of its end."""
        reply = await _ask(exchange)
        await reply  # it may take hours: the request's text is not held


class OneResponse(Endpoint):
    """`/v1/responses/<id>`."""

    async def get(self, exchange: Exchange, response_id: str) -> None:
        """Reply with the object as it is now, or with the events after `starting_after`."""
        exchange.require_query("stream", "starting_after", "include", "include_obfuscation")
        is_stream, owner_id = exchange.flag("stream"), exchange.owner.pk
        row = await own_response(owner_id, parse_id(response_id), FOLLOWED if is_stream else ())
        if is_stream:
            require_room(exchange.owner.pk)
            await stream(exchange, row, _starting_after(exchange))
        else:
            await _reply_current(exchange, row)

    async def delete(self, exchange: Exchange, response_id: str) -> None:
        """Delete the response; cancel it first if it runs."""
        row = await delete(_log(), exchange.owner.pk, parse_id(response_id))
        await exchange.reply({"id": row.wire_id, "object": "response", "deleted": True})


class Cancellation(Endpoint):
    """`/v1/responses/<id>/cancel`."""

    async def post(self, exchange: Exchange, response_id: str) -> None:
        """Cancel the response, in background or not; one that has ended stays as it is."""
        name = parse_id(response_id)
        await cancel(_log(), exchange.owner.pk, name)
        await _reply_current(exchange, await own_response(exchange.owner.pk, name))


class InputItems(Endpoint):
    """`/v1/responses/<id>/input_items`."""

    async def get(self, exchange: Exchange, response_id: str) -> None:
        """List the items of this response's own input."""
        exchange.require_query("after", "limit", "order", "include")
        row = await own_response(exchange.owner.pk, parse_id(response_id))
        await exchange.reply(list_page(row.input, exchange.query))


async def _ask(exchange: Exchange) -> Coroutine[Any, Any, None]:
    """Create a response. Returns the work that sends the reply. Raises CommandError."""
    body = exchange.json()
    command = command_of(body)
    row = await ask(exchange, command, body)
    if command.stream:
        return stream(exchange, followed(row))
    if command.background:
        return _reply_current(exchange, row)
    return _reply_ended(exchange, followed(row) if row.live else row)


async def stream(exchange: Exchange, row: Response, starting_after: int = NOTHING) -> None:
    """Reply with a response's events; the client's `starting_after` is its last one.

    The stream begins once the response is followed. Raises as `Reader.follow`; and CommandError,
    which cuts the stream off, if the response is deleted meanwhile.
    """
    events, connection = ServerEvents(starting_after), exchange.connection

    async def begin() -> None:
        if not exchange.has_begun:
            await exchange.open_stream()

    async def send(text: str) -> None:
        if part := events.translate(text):
            await begin()
            await connection.send_text(part)
        if events.ended:
            reader.end()

    await connection.allow_move()
    reader = Reader(exchange, send, begin)
    await reader.follow(row, starting_after)
    if not events.ended:  # the client had the terminal event
        await own_response(exchange.owner.pk, row.pk)
        await connection.send_text(DONE)
    await connection.end()


async def ended(exchange: Exchange, row: Response) -> ResponseObject:
    """Wait for a response's end. Returns its final object; raises CommandError if it is deleted meanwhile."""
    if not row.live:
        return response_object(row)
    found: list[ResponseObject] = []

    async def look(text: str) -> None:
        if is_terminal(text) or text.startswith(SNAPSHOT):
            response: ResponseObject = decode(text).response  # type: ignore[attr-defined]  # both have it
            if response["status"] in TERMINAL_OF:
                found.append(response)

    await exchange.connection.allow_move()
    await Reader(exchange, look).follow(row)
    if not found:
        raise CommandError("response_not_found", "response_id")
    return found[-1]


def parse_id(response_id: str) -> UUID:
    """The UUID of `resp_<32 hex digits>`. Raises CommandError."""
    try:
        return UUID(bare(RESPONSE, response_id))
    except ValueError:
        raise CommandError("response_not_found", "response_id") from None


def command_of(body: JSON) -> Create:
    """The command of a body. Raises CommandError."""
    for name in ("type", "stream_id", "tailrace"):  # a socket's
        if body.get(name) is not None:
            raise CommandError("unknown_field", name)
    command = create(body | {"type": "response.create"}, OF_PROGRAMS, client_parameters())
    if command.model is None:
        raise CommandError("missing_field", "model")
    return command


def _starting_after(exchange: Exchange) -> int:
    """The query's number. Raises CommandError."""
    text = exchange.value("starting_after")
    if not text:
        return NOTHING
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_NUMBER_CHARS):
        raise CommandError("invalid_field", "starting_after")
    return int(text)


async def _reply_current(exchange: Exchange, row: Response) -> None:
    found = await current_object(row, _log())
    is_live = found["status"] not in TERMINAL_OF
    await exchange.reply(found, headers=POLL_HEADERS if is_live else {})


async def _reply_ended(exchange: Exchange, row: Response) -> None:
    """200, or the status of the failure, so that SDKs raise their errors, and retry what may succeed."""
    response = await ended(exchange, row)
    error = response["error"]
    if response["status"] == "failed" and error is not None:
        reply = errors.failure(error["code"], has_key=KEY_HEADER in exchange.headers)
        await exchange.reply(reply.body, reply.status, reply.headers)
    else:
        await exchange.reply(response)


def _log() -> Log:
    return Log(redis_client.client())
