"""HTTP with limits: a body of bounded size; headers, body and reading of the answer within a time.

Twisted stores a body of any size, Daphne then reads it whole; both keep a connection that never finishes, and
answer the next request of a client that does not read.
"""

import asyncio
import json
import resource
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from daphne.http_protocol import HTTPFactory as DaphneFactory
from daphne.http_protocol import WebRequest
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.python.failure import Failure
from twisted.web import http

from chat.api.errors import refusal
from chat.protocol.errors import CommandError
from chat.streaming.draining import draining
from project.server import limits

API_CODES = {http.REQUEST_ENTITY_TOO_LARGE: "frame_too_large", http.SERVICE_UNAVAILABLE: "busy"}


class BoundedRequest(WebRequest):
    """A request whose body fits into memory."""

    has_length = False  # of its answer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, parsePOSTFormSubmission=False)  # Django parses it

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """Store the body in memory; Twisted would open a file."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Store a part of the body; refuse it beyond the limit."""
        size = self.content.tell() + len(data)
        if not self.channel.admits(size):
            self.channel.refuse(http.REQUEST_ENTITY_TOO_LARGE)
        elif not self.channel.has_room(size):
            self.channel.refuse(http.SERVICE_UNAVAILABLE)
        elif not self.channel.is_refused:
            self.content.write(data)

    def process(self) -> Any:
        """Answer; reject all that comes at the end, and a WebSocket handshake while too many are open.

        A request that the end does not wait for would leave a thread waiting for the stopped event loop, and
        the process waits for its threads.
        """
        self.requestHeaders.removeHeader(b"Daphne-Root-Path")  # Daphne would take the site's path from it
        upgrade = (self.requestHeaders.getRawHeaders(b"Upgrade") or [b""])[0]
        status = http.SERVICE_UNAVAILABLE if draining.is_over else 0
        if upgrade.lower() == b"websocket":
            status = status or self._handshake_refusal()
        if status:
            self.channel.refuse(status)
            return None
        return super().process()

    def release_body(self) -> None:
        """Drop the body: the application has taken it, and its answer may take hours."""
        self.content = BytesIO()
        self.channel.release()

    def handle_exception(self, exception: Exception) -> None:
        """Send an error page; abort an answer that has begun, where Daphne stops its checks."""
        if not self._response_started:
            super().handle_exception(exception)
        elif self.channel is not None:
            self.channel.transport.abortConnection()

    def _handshake_refusal(self) -> int:
        """Status for a handshake on which Daphne or Channels would raise, or one too many; 0: none."""
        protocols = self.requestHeaders.getRawHeaders(b"Sec-WebSocket-Protocol") or []
        if not all(protocol.isascii() for protocol in protocols):
            return int(http.BAD_REQUEST)
        if not unquote(self.path.decode("latin-1")).startswith(self.server.root_path):
            return int(http.NOT_FOUND)
        is_full = len(self.server.handshakes) >= limits.MAX_HANDSHAKES
        return int(http.SERVICE_UNAVAILABLE) if is_full else 0


class BoundedChannel(http.HTTPChannel):
    """One connection."""

    factory: "HTTPFactory"
    is_refused = False
    _target = b""  # of the latest request
    _discarded = 0
    _deadline: IDelayedCall | None = None
    _unread: BoundedRequest | None = None  # answered, but its answer fills the transport
    _uploaded = 0  # bytes of an upload in memory
    _room: asyncio.Future[None] | None = None  # an answer in parts waits for it

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name, as those below
        """Expect the first request."""
        super().connectionMade()
        self.factory.add_waiting(self)
        self._expect_within(limits.HEADER_SECS)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Read a part of a request."""
        if self.is_refused:
            self._discard(len(data))
            return
        if self._deadline is None and not self._handlingRequest:
            self._expect_within(limits.HEADER_SECS)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802
        """Refuse a body that is declared too large, else expect it."""
        self._target = self._path  # Twisted forgets its own
        if not self.admits(self.length or 0):
            self.refuse(http.REQUEST_ENTITY_TOO_LARGE)
            return
        self._expect_within(limits.body_secs(self._path))
        super().allHeadersReceived()

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        """Read a part of a body, or store the requests that follow; Twisted would store any number."""
        if self.is_refused:
            return
        super().rawDataReceived(data)
        if sum(map(len, self._dataBuffer)) > limits.NEXT_BYTES:
            self.transport.pauseProducing()

    def allContentReceived(self) -> None:  # noqa: N802
        """Process the request."""
        if not self.is_refused:
            self._expect_nothing()
            self.factory.waiting.pop(self, None)
            super().allContentReceived()

    def requestDone(self, request: BoundedRequest) -> None:  # noqa: N802
        """Wait for the next request; first for the client to read this answer."""
        self.release()
        self.factory.add_waiting(self)
        if self._waitingForTransport:
            self.factory.add_unread(self, request.sentLength)
        if self._waitingForTransport and self.persistent:
            self.requests.remove(request)
            self._unread = request
            self._abort_within(limits.ANSWER_SECS)
        else:
            super().requestDone(request)

    def resumeProducing(self) -> None:  # noqa: N802
        """Begin the next request: the answers have left."""
        super().resumeProducing()
        self.factory.unread.pop(self, None)
        self._end_waiting()
        if self._unread is not None:
            request, self._unread = self._unread, None
            self._expect_nothing()
            self.requests.insert(0, request)
            super().requestDone(request)

    def loseConnection(self) -> None:  # noqa: N802
        """Close after the client has read the answer, or has not in ANSWER_SECS."""
        super().loseConnection()
        self._abort_within(limits.ANSWER_SECS)

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802
        """Release the connection, and drop what it asked."""
        self._unread = None
        self._end_waiting()
        self._dataBuffer.clear()
        # else an unread answer stays in memory until its reference cycle is collected
        self.transport.dataBuffer, self.transport._tempDataBuffer = b"", []  # noqa: SLF001 - no public way
        self._expect_nothing()
        self.release()
        self.factory.waiting.pop(self, None)
        self.factory.unread.pop(self, None)
        super().connectionLost(reason)

    async def drained(self) -> None:
        """Wait while the transport is full; a client that reads nothing for ANSWER_SECS is aborted."""
        if self._waitingForTransport and self._room is None:
            self._room = asyncio.get_running_loop().create_future()
            self._abort_within(limits.ANSWER_SECS)
            await self._room

    def _end_waiting(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            self._expect_nothing()
            if not room.done():
                room.set_result(None)

    def admits(self, size: int) -> bool:
        """Whether a body of `size` bytes may be read."""
        return size <= limits.body_limit(self._path)

    def has_room(self, size: int) -> bool:
        """Count an upload, now of `size` bytes. False: with the others it does not fit into memory.

        One that is not larger than a form always fits.
        """
        if not limits.is_upload(self._path) or size <= limits.MAX_BODY_BYTES:
            return True
        added = size - self._uploaded
        others = self.factory.uploaded - self._uploaded
        if others and self.factory.uploaded + added > limits.UPLOADS_BYTES:
            return False
        self._uploaded += added
        self.factory.uploaded += added
        return True

    def release(self) -> None:
        """The upload is no longer in memory."""
        self.factory.uploaded -= self._uploaded
        self._uploaded = 0

    def refuse(self, status: int) -> None:
        """Send the status and close; a client that still sends has LINGER_SECS to read it."""
        if self.is_refused:
            return
        self.is_refused = True
        body = _api_refusal(status) if limits.is_api(self._target) else b""
        kind = "Content-Type: application/json\r\n" if body else ""
        head = f"HTTP/1.1 {status} {http.RESPONSES[status].decode()}\r\n{kind}"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.loseWriteConnection()
        self.setTimeout(None)
        self._abort_within(limits.LINGER_SECS)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > limits.LINGER_BYTES:
            self.transport.abortConnection()

    def _expect_within(self, secs: float) -> None:
        self._expect_nothing()
        self._deadline = self.callLater(secs, self._too_late)

    def _abort_within(self, secs: float) -> None:
        self._expect_nothing()
        self._deadline = self.callLater(secs, self.transport.abortConnection)

    def _expect_nothing(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _too_late(self) -> None:
        if self.requests:
            self.refuse(http.REQUEST_TIMEOUT)
        else:
            self.loseConnection()


def _api_refusal(status: int) -> bytes:
    """The body in OpenAI's form."""
    code = API_CODES.get(status)
    return json.dumps(refusal(CommandError(code)).body).encode() if code else b""


def most_waiting(descriptors: int) -> int:
    """Connections that may wait: half of the descriptors, if these are limited."""
    unlimited = descriptors == resource.RLIM_INFINITY
    return limits.MAX_WAITING if unlimited else min(limits.MAX_WAITING, descriptors // 2)


class HTTPFactory(DaphneFactory):
    """Makes such connections; no HTTP/2, which has none of these limits."""

    protocol = BoundedChannel

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.waiting: dict[BoundedChannel, None] = {}  # without a whole request, the longest first
        self.uploaded = 0  # bytes of uploads in memory
        self.unread: dict[BoundedChannel, int] = {}  # bytes of answers that clients do not read, oldest first
        self.most_waiting = most_waiting(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    def add_waiting(self, channel: BoundedChannel) -> None:
        """Count a connection without a whole request; beyond the limit abort the one that waits longest."""
        self.waiting[channel] = None
        if len(self.waiting) > self.most_waiting:
            longest = next(iter(self.waiting))
            del self.waiting[longest]
            longest.transport.abortConnection()

    def add_unread(self, channel: BoundedChannel, size: int) -> None:
        """Count an unread answer; beyond the limit abort the connection of the oldest one."""
        self.unread[channel] = size
        while len(self.unread) > 1 and sum(self.unread.values()) > limits.UNREAD_BYTES:
            oldest = next(iter(self.unread))
            del self.unread[oldest]
            oldest.transport.abortConnection()

    def buildProtocol(self, addr: IAddress) -> BoundedChannel:  # noqa: N802 - Twisted's name
        """Serve a client."""
        channel: BoundedChannel = http.HTTPFactory.buildProtocol(self, addr)
        channel.requestFactory = BoundedRequest
        channel.timeOut = limits.IDLE_SECS
        return channel

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802 - Twisted's name
        """Offer HTTP/1.1 alone."""
        return [b"http/1.1"]
