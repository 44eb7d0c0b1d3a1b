"""Stop the responses of inactive and deleted users, however they became so: SQL sends no notification."""

import logging
import time
from collections.abc import Collection

from channels.db import database_sync_to_async

from chat.ids import RESPONSE, wire_id
from chat.models import LIVE, Response
from chat.protocol.composer import Ending
from chat.protocol.errors import ProtocolError
from chat.responses.ending import abandon, end
from chat.transport.event_log import Log

MAX_ROWS = 100  # per check, the running ones first: no worker claims the others

logger = logging.getLogger(__name__)


async def withdraw(log: Log, claimed: Collection[str]) -> None:
    """Cancel live responses of inactive users, and those of `claimed` whose row was deleted."""
    for response_id in await database_sync_to_async(_of_inactive_users, thread_sensitive=False)():
        try:
            await end(log, response_id, Ending("cancelled", time.time()))
            logger.warning("response %s: cancelled, its owner is inactive", response_id)
        except ProtocolError:  # such as another version; other rows must not wait
            logger.exception("response %s: its log cannot be read", response_id)
    for response_id in await database_sync_to_async(_without_row, thread_sensitive=False)(claimed):
        await abandon(log, response_id)
        logger.warning("response %s: cancelled, its row was deleted", response_id)


def _of_inactive_users() -> list[str]:
    rows = Response.objects.filter(status__in=LIVE, owner__is_active=False).order_by("status", "queued_at")
    return rows[:MAX_ROWS].wire_ids()


def _without_row(claimed: Collection[str]) -> list[str]:
    stored = Response.objects.only("pk").in_bulk(claimed) if claimed else {}
    known = {wire_id(RESPONSE, response_id) for response_id in stored}
    return [response_id for response_id in claimed if response_id not in known]
