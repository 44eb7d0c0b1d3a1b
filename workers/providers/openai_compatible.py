"""The only user of the OpenAI SDK: request a chat completion and yield its chunks.

The body is read below the SDK: an object per chunk costs more than the rest of the path.
"""

import asyncio
import json
import logging
import os
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx2
import openai

from chat.conf import conf
from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig
from chat.responses.model_keys import UnusableKeyError
from workers.providers import refusals
from workers.providers.base import Chunk, ProviderError
from workers.providers.changes import LIMIT_FIELDS, Change, Learned, other_limit_field
from workers.providers.chat_models import MAX_LIST_BYTES, first_chat_model
from workers.providers.completion import Reader
from workers.providers.decoding import BodyDecoder
from workers.providers.framing import DONE, Framing, FramingError, MarkupError
from workers.providers.request import Request, request_body, request_headers
from workers.providers.retry_after import retry_after_secs

__all__ = ["Provider", "Request"]

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 2000  # above a worker's answers; the transport's default is 100
MAX_CHANGES = 8  # of one request, after refusals
REFUSAL_SECS = 5  # to read the beginning of an error's body
LOGGED_BYTES = 500


class _RefusedError(openai.OpenAIError):
    """An error or a redirect, with the beginning of its body; raised through the SDK."""

    def __init__(self, response: httpx2.Response, body: bytes) -> None:
        super().__init__()
        self.status, self.headers, self.body = response.status_code, response.headers, body
        self.url = str(response.request.url)
        self.refusal: refusals.Refusal | None = None


@dataclass(slots=True)
class Provider:
    """The models' servers."""

    learned: dict[str, Learned] = field(default_factory=dict)  # by the model's name
    _clients: dict[str, openai.AsyncOpenAI] = field(default_factory=dict)  # by base URL
    _first_models: dict[str, str] = field(default_factory=dict)  # by the model's name

    async def stream(self, model: ModelConfig, request: Request) -> AsyncGenerator[Chunk, None]:
        """Yield a completion's chunks. Raises ProviderError.

        Leaving the iteration, also by cancellation, closes the connection: the server stops.
        """
        client = self._client(model)
        try:
            upstream_model = model.upstream_model or await self._first_model(client, model)
            response = await self._ask(client, model, upstream_model, request)
            async with aclosing(response):
                names = ("content-type", "content-encoding")
                framing = Framing(*(response.headers.get(name, "") for name in names))
                async for chunk in _chunks(_body(response), framing, Reader(model.reasoning_tags or None)):
                    yield chunk
        except _RefusedError as error:
            if not (error.refusal and error.refusal.filtered):
                raise self._refused(model, error) from error
            yield Chunk(finish="content_filter")  # of the prompt
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _translated(error) from error
        except (aiohttp.ClientError, UnicodeError):  # their text quotes the server, or the URL
            raise ProviderError("upstream_malformed") from None

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def _client(self, model: ModelConfig) -> openai.AsyncOpenAI:
        if model.base_url not in self._clients:
            self._clients[model.base_url] = openai.AsyncOpenAI(
                base_url=model.base_url,
                api_key="none",  # each request has its own
                max_retries=0,  # the SDK would sleep a Retry-After of minutes
                http_client=openai.DefaultAioHttpClient(
                    limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=100),
                    event_hooks={"response": [_raise_refusal]},
                ),
            )
        return self._clients[model.base_url]

    async def _first_model(self, client: openai.AsyncOpenAI, model: ModelConfig) -> str:
        if model.name not in self._first_models:
            name = first_chat_model(await _list(client, model))
            if name is None:
                logger.warning("model %s: its server lists none that can chat: set OPENAI_MODEL", model.name)
                raise ProviderError("upstream_not_found", permanent=True)
            if self._first_models.get(model.name) != name:  # others may have asked meanwhile
                logger.info("model %s: the first that can chat on its server is %r", model.name, name)
            self._first_models[model.name] = name
        return self._first_models[model.name]

    async def _ask(
        self, client: openai.AsyncOpenAI, model: ModelConfig, upstream_model: str, request: Request
    ) -> httpx2.Response:
        """Request a completion; if the server refuses a field or a limit, again without it.

        The caller reads and closes its body.
        """
        learned, once = self.learned.setdefault(model.name, Learned()), Learned()
        room: int | None = None
        for _ in range(MAX_CHANGES):
            asked = request_body(model, upstream_model, request, learned.joined(once), room)
            try:
                return await _post(client, model, asked)
            except _RefusedError as error:
                change = _judged(model, error, asked).change
                if change is None:
                    raise
            if change.room is not None:
                room = change.room if room is None else 0
            if change.once:
                once.learn(change)
            else:
                _learn(model, learned, change)
        raise ProviderError("upstream_rejected", permanent=True)

    def _refused(self, model: ModelConfig, error: _RefusedError) -> ProviderError:
        refusal = error.refusal or _judged(model, error, {})
        if refusal.code == "upstream_not_found" and model.name in self._first_models:
            del self._first_models[model.name]  # the server may list another model now
            self.learned.pop(model.name, None)
        if refusal.code == "upstream_wrong_address":
            place = refusals.wrong_address(error.url)
            logger.warning("model %s: HTTP %d: %s", model.name, error.status, place)
        wait = None
        if refusal.code in _WITH_RETRY_AFTER:
            wait = retry_after_secs(error.headers, time.time())
            wait = refusal.retry_after if wait is None else wait
        return ProviderError(refusal.code, permanent=refusal.permanent, retry_after=wait)


def _learn(model: ModelConfig, learned: Learned, change: Change) -> None:
    """Remember a change, and log it once. Raises ProviderError if no name of the limit would be left."""
    other = other_limit_field(change.drop)
    if other and other in learned.without.union(model.without):
        learned.without -= {change.drop, other}
        raise ProviderError("upstream_rejected", permanent=True)
    if learned.learn(change):
        logger.warning("model %s: learned from a refusal: %s", model.name, learned.setting(change))


def _judged(model: ModelConfig, error: _RefusedError, asked: JSON) -> refusals.Refusal:
    """Judge a refusal, once. Logs the beginning of its body if the operator wants it."""
    if conf.LOG_UPSTREAM_ERRORS:
        text = error.body[:LOGGED_BYTES].decode(errors="replace")
        logger.warning("model %s: HTTP %d from its server: %r", model.name, error.status, text)
    own = model.parameters.keys() - LIMIT_FIELDS
    error.refusal = refusals.judge(error.status, error.body, asked, own)
    return error.refusal


async def _post(client: openai.AsyncOpenAI, model: ModelConfig, body: JSON) -> httpx2.Response:
    """Request a completion.

    `client.chat.completions.create` would search the parameters for names to transform, which takes half as
    long as the rest.
    """
    response = await client.post(
        "/chat/completions",
        cast_to=httpx2.Response,
        body=body,
        options=_options(model),
        stream=True,
        stream_cls=openai.AsyncStream[Any],
    )
    assert isinstance(response, httpx2.Response)  # by `cast_to`
    return response


async def _list(client: openai.AsyncOpenAI, model: ModelConfig) -> Any:
    """The server's list of models, as JSON."""
    response = await client.get(
        "/models",
        cast_to=httpx2.Response,
        options=_options(model) | {"timeout": model.deadlines.connect},
        stream=True,
        stream_cls=openai.AsyncStream[Any],
    )
    assert isinstance(response, httpx2.Response)  # by `cast_to`
    async with aclosing(response):
        listed = await _beginning(response, MAX_LIST_BYTES, model.deadlines.connect)
    decoder = BodyDecoder(response.headers.get("content-encoding", ""))
    try:
        return json.loads(b"".join(decoder.feed(listed, final=True)))
    except (ValueError, zlib.error, RecursionError) as error:
        raise ProviderError("upstream_malformed") from error


def _options(model: ModelConfig) -> Any:
    """The SDK's options of a request. Raises ProviderError without a usable key."""
    try:
        headers = request_headers(model, os.environ)
    except UnusableKeyError as error:
        logger.error("%s", error)
        raise ProviderError("upstream_unauthorized", permanent=True) from error
    own: dict[str, Any] = {"Authorization": openai.Omit()}  # else the SDK adds its own
    if "authorization" in map(str.lower, headers):
        own = {}
    return {
        "timeout": openai.Timeout(None, connect=model.deadlines.connect),
        "headers": {"Accept-Encoding": "identity", **own, **headers},  # bodies are read raw
        "params": model.query,
        "security": {"bearer_auth": True},  # no other key
    }


async def _raise_refusal(response: httpx2.Response) -> None:
    """Raise an error or a redirect with the beginning of its body.

    The SDK would read it all, and follow the redirect: a key is for the configured address alone.
    """
    if not response.is_success:
        raise _RefusedError(response, await _beginning(response, refusals.MAX_BODY_BYTES, REFUSAL_SECS))


async def _beginning(response: httpx2.Response, most: int, seconds: float) -> bytes:
    """The first bytes of a body, as far as they arrive in time."""
    data = bytearray()
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(seconds):
            async for part in response.stream:
                data += part
                if len(data) >= most:
                    break
    return bytes(data[:most])


async def _body(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield the bytes, also those that aiohttp keeps unread when the connection breaks."""
    try:
        async for data in response.aiter_raw():
            yield data
    except httpx2.HTTPError:
        content = response.stream._stream._aiohttp_response.content  # type: ignore[union-attr]  # no other way
        content._exception = None
        if rest := content.read_nowait():
            yield rest
        raise


async def _chunks(body: AsyncIterator[bytes], framing: Framing, reader: Reader) -> AsyncIterator[Chunk]:
    """Yield one merged chunk per read, also before an error. Raises ProviderError."""
    chunk = Chunk()
    try:
        async for data in body:
            done = _read(framing.feed(data), reader, chunk)
            yield chunk
            if done:
                return
            chunk = Chunk()
        _end(framing, reader, chunk)
    except (ProviderError, httpx2.HTTPError):
        reader.flush(chunk)
        yield chunk
        raise
    if chunk != Chunk():
        yield chunk


def _read(values: Iterator[Any], reader: Reader, chunk: Chunk) -> bool:
    """Merge values into a chunk. True: [DONE]."""
    try:
        for value in values:
            if value is DONE:
                reader.conclude(reader.finish or "stop", chunk)
                return True
            reader.read(value, chunk)
    except MarkupError as error:
        raise ProviderError("upstream_wrong_address", permanent=True) from error
    except FramingError as error:
        raise ProviderError("upstream_malformed") from error
    return False


def _end(framing: Framing, reader: Reader, chunk: Chunk) -> None:
    """Merge the end of the body: complete with a finish reason, [DONE] or a whole message."""
    _read(framing.end(), reader, chunk)
    if reader.finish is None and framing.document and reader.whole:
        reader.conclude("stop", chunk)
    if reader.finish is None:
        malformed = framing.document and not reader.known
        raise ProviderError("upstream_malformed" if malformed else "upstream_cut")


_WITH_RETRY_AFTER = frozenset({"rate_limit_exceeded", "upstream_error"})
# the first match counts; others are "upstream_error"
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (openai.APITimeoutError, "timeout_connect"),
    (openai.APIConnectionError, "upstream_unreachable"),
    (httpx2.HTTPError, "upstream_cut"),
)


def _translated(error: Exception) -> ProviderError:
    """Map an error of the connection to a code, never its text."""
    if isinstance(error, openai.APITimeoutError) and not _timed_out(error):
        return ProviderError("upstream_unreachable")
    return ProviderError(next((code for kind, code in _CODES if isinstance(error, kind)), "upstream_error"))


def _timed_out(error: BaseException | None) -> bool:
    """Whether connecting timed out; the SDK also reports a refusal as a time-out."""
    while error is not None and not isinstance(error, TimeoutError):
        error = error.__cause__
    return error is not None
