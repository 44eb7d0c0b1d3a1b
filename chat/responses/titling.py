"""Have a conversation named by the title model after its first answer; after its second, if that failed."""

import asyncio
import logging

from channels.db import database_sync_to_async

from chat.conf import conf
from chat.models import Conversation, Response, Status
from chat.protocol.objects import ResponseObject
from chat.transport import job_queue
from chat.transport.outages import UNAVAILABLE

ANSWERS = 2  # after more of them no model is asked
SECS = 2  # a slow broker must not hold up the caller
MAX_WAITING = 1_000  # jobs; further ones are not sent: perhaps no worker serves the queue

logger = logging.getLogger(__name__)


async def request_title(response: ResponseObject) -> None:
    """Enqueue the job for a completed response's conversation. Best effort: the title stays otherwise.

    Without effect while too many jobs wait.
    """
    conversation = response["conversation"]
    if not conf.TITLE_MODEL or response["status"] != Status.COMPLETED or conversation is None:
        return
    conversation_id = conversation["id"]
    try:
        async with asyncio.timeout(SECS):
            if await database_sync_to_async(_is_unnamed, thread_sensitive=False)(conversation_id):
                await asyncio.get_running_loop().run_in_executor(job_queue.THREADS, _send, conversation_id)
    except UNAVAILABLE as error:
        logger.warning("conversation %s gets no title: %s", conversation_id, type(error).__name__)


def _send(conversation_id: str) -> None:
    if job_queue.waiting(job_queue.TITLES) < MAX_WAITING:
        job_queue.send_title(conversation_id)
    else:
        logger.warning("conversation %s gets no title: too many jobs wait in titles", conversation_id)


def _is_unnamed(conversation_id: str) -> bool:
    """Whether it has its first question's title, and few answers."""
    completed = Response.objects.filter(conversation__pk=conversation_id, status=Status.COMPLETED)
    return (
        Conversation.objects.unnamed().filter(pk=conversation_id).exists()
        and completed[: ANSWERS + 1].count() <= ANSWERS
    )
