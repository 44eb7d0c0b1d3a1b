"""A response that must have ended before another step, although its row may follow its log."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from chat.conversations.turns import newest_path
from chat.models import Response
from chat.protocol.errors import CommandError
from chat.responses.ending import settle_if_ended
from chat.transport.event_log import Log

T = TypeVar("T")


@dataclass
class RunningError(CommandError):
    """The response `response_id` has not ended."""

    response_id: str = ""


async def once_settled(log: Log, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work; again if a response only seemed to run: clients see the end before the row has it.

    Raises RunningError, and as the work.
    """
    settled: set[str] = set()
    while True:
        try:
            return await work()
        except RunningError as error:
            if error.response_id in settled or not await settle_if_ended(log, error.response_id):
                raise
            settled.add(error.response_id)


def latest_response(conversation_id: UUID) -> Response | None:
    """The end of the newest path, which the next response continues. Raises RunningError. Blocks."""
    path = newest_path(conversation_id)
    if not path:
        return None
    row = Response.objects.select_related("conversation").get(pk=path[-1])
    require_ended(row, "conversation_locked", "conversation")
    return row


def require_ended(row: Response, code: str, param: str) -> None:
    """Raise RunningError if a response runs."""
    if row.live:
        raise RunningError(code, param, response_id=row.wire_id)
