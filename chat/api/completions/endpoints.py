"""`/v1/chat/completions`: ask, read again, delete.

Format: https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from chat.api.asking import ask
from chat.api.completions.completion import response_uuid
from chat.api.completions.replies import reply_ended
from chat.api.completions.request import completion_request
from chat.api.completions.stream import CompletionStream
from chat.api.endpoint import Endpoint
from chat.api.exchange import Exchange
from chat.api.responses import ended
from chat.models import Response
from chat.protocol.commands import OF_PROGRAMS
from chat.protocol.errors import CommandError
from chat.responses.deletion import delete
from chat.responses.model_catalog import client_parameters
from chat.responses.ownership import followed, own_response
from chat.transport import redis_client
from chat.transport.event_log import Log


class Completions(Endpoint):
    """`/v1/chat/completions`."""

    async def post(self, exchange: Exchange) -> None:
        """Create a completion; reply with its chunks, or with the object at its end.

        One that is not stored, and has no `Idempotency-Key`, is cancelled if its client leaves.
        """
        reply = await _ask(exchange)
        await reply  # it may take hours: the request's text is not held


class OneCompletion(Endpoint):
    """`/v1/chat/completions/<id>`: of a stored one."""

    async def get(self, exchange: Exchange, completion_id: str) -> None:
        """Reply with the object, once it has ended."""
        exchange.require_query()
        row = await _stored(exchange, completion_id)
        await _reply_ended(exchange, row)

    async def delete(self, exchange: Exchange, completion_id: str) -> None:
        """Delete the completion; cancel it first if it runs."""
        row = await _stored(exchange, completion_id)
        await delete(Log(redis_client.client()), exchange.owner.pk, row.pk)
        await exchange.reply({"id": completion_id, "object": "chat.completion.deleted", "deleted": True})


async def _ask(exchange: Exchange) -> Coroutine[Any, Any, None]:
    """Create a completion. Returns the work that sends the reply. Raises CommandError."""
    body = exchange.json()
    request = completion_request(body, OF_PROGRAMS, client_parameters())
    try:
        row = await ask(exchange, request.command, body)
    except CommandError as error:
        raise request.paths.refused(error) from None
    if request.command.stream:
        return CompletionStream(exchange, row, include_usage=request.include_usage).send()
    return _reply_ended(exchange, followed(row) if row.live else row)


async def _reply_ended(exchange: Exchange, row: Response) -> None:
    await reply_ended(exchange, await ended(exchange, row))


async def _stored(exchange: Exchange, name: str) -> Response:
    """The owner's stored response of the completion with this id. Raises CommandError."""
    missing = CommandError("response_not_found", "completion_id")
    found = response_uuid(name)
    if found is None:
        raise missing
    try:
        row = await own_response(exchange.owner.pk, found)
    except CommandError as error:
        raise replace(error, param=missing.param) from None
    if not row.stored:
        raise missing
    return row
