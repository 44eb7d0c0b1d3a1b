"""The socket of a link's readers: it follows the shown responses, and executes nothing."""

import logging
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any, NoReturn

from channels.db import database_sync_to_async

from chat.accounts.session_watch import RETRY_SECS, SessionWatch
from chat.accounts.sign_in import network_of
from chat.protocol.commands import Acknowledge, Command, Subscribe, Unsubscribe
from chat.protocol.errors import NOT_SHARED, TOO_MANY, CommandError
from chat.protocol.frames import shared_changed
from chat.share_models import Share
from chat.sharing.links import find
from chat.sharing.representation import shared_event
from chat.sharing.turns import shown_response
from chat.sharing.watch import share_watch
from chat.sockets.admission import accept_to_refuse
from chat.sockets.consumer import ResponsesConsumer
from chat.streaming.backpressure import Application, Receive, Send
from chat.streaming.subscriber import Followed, Subscriber
from chat.transport.notifications import Message, readers_group
from chat.transport.outages import UNAVAILABLE, retry

MAX_OF_LINK = 200  # sockets in one web process
MAX_OF_NETWORK = 20

logger = logging.getLogger(__name__)
_open: Counter[Hashable] = Counter()


class SharedAdmission:
    """In front of the consumer: refuse an unknown link before a channel or a subscription exists."""

    def __init__(self, consumer: Application) -> None:
        self._consumer = consumer

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket, or refuse it with 4404; while the database is unavailable with 403."""
        token = scope["url_route"]["kwargs"]["token"]
        try:
            share = await database_sync_to_async(find, thread_sensitive=False)(token)
        except UNAVAILABLE as error:
            logger.warning("a link could not be checked: %s", type(error).__name__)
            await receive()
            await send({"type": "websocket.close"})
            return
        if share is not None:
            await self._consumer(scope | {"share": share}, receive, send)
            return
        await receive()
        await accept_to_refuse(send, CommandError("share_not_found"), NOT_SHARED)


class ReadersConsumer(ResponsesConsumer):
    """`/ws/shared/<token>/`: subscribe, unsubscribe and acknowledge, while the link gives access."""

    _keys: tuple[Hashable, ...] = ()  # under which this socket is counted

    async def connect(self) -> None:
        """Accept: the link is known. With too many sockets, send the error and close."""
        self.subscriber = Subscriber(self.channel_name, self._send_shared, self.log, self.connection)
        await self.count()
        self.channel_layer.group_join(self._group, self.channel_name)
        self.watch_session(self.share.pk)
        await self.accept()

    @property
    def share(self) -> Share:
        """The link, as the handshake found it."""
        share: Share = self.scope["share"]
        return share

    @property
    def _group(self) -> str:
        return readers_group(self.share.conversation_id)

    async def _send_shared(self, text: str) -> None:
        shared = shared_event(text)
        if shared is not None:
            await self.connection.send_text(shared)

    async def _perform(self, command: Command) -> None:
        match command:
            case Subscribe():
                shown = database_sync_to_async(shown_response, thread_sensitive=False)
                row = await shown(self.share.conversation_id, command.response_id)
                after, ended = command.starting_after, not row.live
                await self.subscriber.subscribe(row.wire_id, after, None, row_ended=ended)
            case Unsubscribe() | Acknowledge():
                await super()._perform(command)
            case _:
                raise CommandError("unknown_type", "type")

    async def on_message(self, message: Message) -> None:
        """Forward events; after a change of the conversation check the link, then report it."""
        if message["type"] != "shared.changed":
            await super().on_message(message)
            return
        await retry("a link could not be checked", self._recheck_session, RETRY_SECS)
        if not self.connection.paused:
            await self.connection.send_text(shared_changed())

    async def count(self) -> Followed:
        """Count this socket among those of its link and network; beyond a limit close it."""
        network = network_of((self.scope.get("client") or ("", 0))[0] or "")
        keys = (self.share.pk, network)
        limits = zip(keys, (MAX_OF_LINK, MAX_OF_NETWORK), strict=True)
        if any(_open[key] >= limit for key, limit in limits):
            await self.accept()
            await self.close_with(CommandError("too_many_sockets"), TOO_MANY)
        self._keys = keys
        _open.update(keys)
        return self.subscriber.of_owner

    def uncount(self) -> None:
        """Idempotent."""
        _forget(self._keys)
        self._keys = ()

    def watch(self) -> SessionWatch:
        """The watch of links."""
        return share_watch()

    async def check_session(self, *, returning: bool = False) -> None:
        """Close the socket if the link has ended. Raises a database error."""
        await self.require_session()

    async def sign_out(self) -> NoReturn:
        """Send the error, close, and end the consumer."""
        await self.close_with(CommandError("share_not_found"), NOT_SHARED)

    async def leave(self) -> None:
        """Leave all groups; both tasks end. Idempotent."""
        self._closed = True
        await self.subscriber.close()
        await self.channel_layer.group_discard(self._group, self.channel_name)


def _forget(keys: Iterable[Hashable]) -> None:
    for key in keys:
        _open[key] -= 1
        if not _open[key]:
            del _open[key]
