"""Name conversations with the title model, a few at once, beside the answers of this process."""

import asyncio
import logging
from contextlib import aclosing

from channels.db import database_sync_to_async
from django.db.models.functions import Left

from chat.conf import conf
from chat.conversations.announcements import announce_conversation
from chat.file_models import FileUse
from chat.models import Conversation, Status
from chat.protocol.events import JSON
from chat.responses.attachments import FILE, IMAGE
from chat.responses.relatives import title_of
from chat.transport.outages import UNAVAILABLE
from workers.generation.asking import delegate
from workers.providers.base import ProviderError
from workers.providers.openai_compatible import Provider

AT_ONCE = 4
MAX_BEGUN = 200  # further jobs are dropped: the next answer of the conversation asks again
TRIES = 2
SECS = 60  # of one try
MAX_CHARS = 2_000  # of the question, and of the answer
MAX_TOKENS = 200
MAX_REPLY_CHARS = 500
MAX_WORDS = 6
JOINERS = "\u200c\u200d"  # not printable, and parts of Persian words and of emoji
MARKUP = " #*_`'\"“”„«»\u2018\u2019.。"  # around a title
INSTRUCTIONS = (
    f"Write a title of at most {MAX_WORDS} words for the conversation that follows, in the language of its "
    "question. Reply with the title alone, without quotation marks and without Markdown."
)

logger = logging.getLogger(__name__)


class Titles:
    """The jobs of one process, tasks of its event loop: the threads of Celery stay free for answers."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._places = asyncio.Semaphore(AT_ONCE)
        self._begun: set[asyncio.Task[None]] = set()

    async def begin(self, conversation_id: str) -> bool:
        """Begin to name a conversation, and return. False: too many have begun."""
        if len(self._begun) >= MAX_BEGUN:
            return False
        task = asyncio.create_task(self._name(conversation_id))
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return True

    async def _name(self, conversation_id: str) -> None:
        try:
            async with self._places:
                await self._ask_and_set(conversation_id)
        except UNAVAILABLE as error:
            logger.warning("conversation %s gets no title: %s", conversation_id, type(error).__name__)

    async def _ask_and_set(self, conversation_id: str) -> None:
        found = await database_sync_to_async(_unnamed, thread_sensitive=False)(conversation_id)
        if found is None:
            return
        before, messages = found
        title = await self._title(conversation_id, messages)
        rename = database_sync_to_async(Conversation.objects.name_by_model, thread_sensitive=False)
        if title and await rename(conversation_id, before, title):
            await announce_conversation(conversation_id)

    async def _title(self, conversation_id: str, messages: list[JSON]) -> str:
        """The model's title; empty if it gave none twice."""
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(SECS):
                    title = title_in(await self._reply(messages))
            except (ProviderError, TimeoutError, ValueError) as error:
                what = error.code if isinstance(error, ProviderError) else type(error).__name__
                logger.warning("conversation %s: the title model failed: %s", conversation_id, what)
            else:
                if title:
                    return title
                logger.warning("conversation %s: the title model gave no title", conversation_id)
        return ""

    async def _reply(self, messages: list[JSON]) -> str:
        reply = ""
        asked = delegate(self._provider, conf.TITLE_MODEL, messages, {"max_output_tokens": MAX_TOKENS})
        async with aclosing(asked) as chunks:
            async for chunk in chunks:
                reply += chunk.text
                if len(reply) > MAX_REPLY_CHARS:
                    break
        return reply


def title_in(reply: str) -> str:
    """The title in a model's reply: its first line with a word, without markup, at most MAX_WORDS words."""
    lines = (_plain(line) for line in reply[:MAX_REPLY_CHARS].splitlines())
    words = next(filter(None, lines), "").split()
    return title_of(" ".join(words[:MAX_WORDS]).strip(MARKUP))


def _plain(line: str) -> str:
    shown = "".join(each for each in line if each.isprintable() or each in JOINERS)
    return shown.replace("**", "").replace("`", "").strip(MARKUP).removeprefix("Title:").strip(MARKUP)


def _unnamed(conversation_id: str) -> tuple[str, list[JSON]] | None:
    """The title and the prompt of an unnamed conversation. None: it is named, deleted or has no answer."""
    row = Conversation.objects.unnamed().filter(pk=conversation_id).first()
    if row is None or not _is_of_the_question(row):
        return None
    completed = row.responses.filter(status=Status.COMPLETED).order_by("id")
    texts = completed.values_list(Left("asked", MAX_CHARS), Left("output", MAX_CHARS)).first()
    if texts is None:
        return None
    content = "\n\n".join((f"Question:\n{texts[0]}", f"Answer:\n{texts[1]}"))
    return row.title, [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": content}]


def _is_of_the_question(row: Conversation) -> bool:
    """Whether the title is the first question's: an older version renames without a source."""
    first = row.responses.order_by("id").values_list("id", Left("asked", MAX_CHARS)).first()
    if first is None:
        return False
    names = FileUse.objects.filter(response=first[0]).values_list("file__name", flat=True)
    return row.title in ("", *map(title_of, (first[1], *names, IMAGE, FILE)))
