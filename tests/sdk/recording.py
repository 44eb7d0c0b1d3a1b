"""An HTTP client that records its replies as they were read."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.harness.waiting import deadline

JSON = dict[str, Any]
EVENTS_TYPE = "text/event-stream"
BASE = "/v1"
DONE = "[DONE]"  # the data after the last event
SECS = 60  # of a silent connection
NO_TLS = httpx2.create_ssl_context(verify=False)  # addresses are of http; 25 ms for each client otherwise


@dataclass
class Reply:
    """A reply. `body`: the bytes that were read; `whole`: whether that is all of it."""

    method: str
    path: str  # below the base
    status: int
    content_type: str
    request_id: str
    body: bytes = b""
    whole: bool = False

    @property
    def is_stream(self) -> bool:
        """Whether the body is server-sent events."""
        return self.content_type == EVENTS_TYPE

    @property
    def events(self) -> list[JSON]:
        """The events of the body so far, without the end mark."""
        return [json.loads(data) for data in self.data if data != DONE]

    @property
    def data(self) -> list[str]:
        """The data of the whole events of the body so far."""
        blocks = self.body.decode(errors="replace").split("\n\n")[:-1]
        lines = [line for block in blocks for line in block.split("\n")]
        return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def _begun(request: httpx2.Request, response: httpx2.Response) -> Reply:
    path, headers = request.url.path.partition(BASE)[2], response.headers
    content_type = headers.get("content-type", "").partition(";")[0]
    return Reply(request.method, path, response.status_code, content_type, headers.get("x-request-id", ""))


class _Recorded(httpx2.SyncByteStream):
    def __init__(self, stream: Any, reply: Reply) -> None:
        self._stream, self._reply = stream, reply

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._reply.body += part
            yield part
        self._reply.whole = True

    def close(self) -> None:
        self._stream.close()


class _AsyncRecorded(httpx2.AsyncByteStream):
    def __init__(self, stream: Any, reply: Reply) -> None:
        self._stream, self._reply = stream, reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._reply.body += part
            yield part
        self._reply.whole = True

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Transport(httpx2.HTTPTransport):
    """Records each reply."""

    def __init__(self, replies: list[Reply]) -> None:
        super().__init__(verify=NO_TLS)
        self._replies = replies

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        reply = _begun(request, response)
        self._replies.append(reply)
        response.stream = _Recorded(response.stream, reply)
        return response


class _AsyncTransport(httpx2.AsyncHTTPTransport):
    """Records each reply."""

    def __init__(self, replies: list[Reply]) -> None:
        super().__init__(verify=NO_TLS)
        self._replies = replies

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        reply = _begun(request, response)
        self._replies.append(reply)
        response.stream = _AsyncRecorded(response.stream, reply)
        return response


def recorded_http(replies: list[Reply]) -> httpx2.Client:
    """An HTTP client whose replies are recorded."""
    return httpx2.Client(transport=_Transport(replies), timeout=deadline(SECS))


def recorded_async_http(replies: list[Reply]) -> httpx2.AsyncClient:
    """The asynchronous one."""
    return httpx2.AsyncClient(transport=_AsyncTransport(replies), timeout=deadline(SECS))
