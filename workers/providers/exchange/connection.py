"""The only user of the OpenAI SDK: requests to models' servers, raw replies, errors as codes.

A body is read below the SDK: an object per chunk costs more than the rest of the path.
"""

import asyncio
import json
import logging
import os
import ssl
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

import aiohttp
import httpx2
import openai

from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig
from chat.responses.model_keys import UnusableKeyError
from workers.providers import refusals
from workers.providers.base import ProviderError
from workers.providers.decoding import BodyDecoder
from workers.providers.refusal_body import MAX_BODY_BYTES
from workers.providers.request import request_headers

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 2000  # above a worker's answers; the transport's default is 100
REFUSAL_SECS = 5  # to read the beginning of an error's body


class RefusedError(openai.OpenAIError):
    """An error or a redirect, with the beginning of its body; raised through the SDK."""

    def __init__(self, response: httpx2.Response, body: bytes) -> None:
        super().__init__()
        self.status, self.headers, self.body = response.status_code, response.headers, body
        self.url = str(response.request.url)
        self.refusal: refusals.Refusal | None = None


class Reply:
    """An open reply of a server; close it."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    def header(self, name: str) -> str:
        """A header's value; "" without it."""
        return str(self._response.headers.get(name, ""))

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the bytes, also those that aiohttp keeps unread when the connection breaks.

        Raises ProviderError at the break.
        """
        try:
            async for data in self._response.aiter_raw():
                yield data
        except httpx2.HTTPError as error:
            content = self._response.stream._stream._aiohttp_response.content  # type: ignore[union-attr]  # no other way
            content._exception = None
            if rest := content.read_nowait():
                yield rest
            raise _translated(error) from error

    async def json(self, most: int, seconds: float) -> Any:
        """The body as JSON, of at most so many bytes. Raises ProviderError."""
        data = await _beginning(self._response, most, seconds)
        decoder = BodyDecoder(self.header("content-encoding"))
        try:
            return json.loads(b"".join(decoder.feed(data, final=True)))
        except (ValueError, zlib.error, RecursionError) as error:
            raise ProviderError("upstream_malformed") from error

    async def aclose(self) -> None:
        """Close the connection, unless the body was read to its end."""
        await self._response.aclose()


@dataclass(slots=True)
class Connections:
    """The connections to all servers. Its calls raise RefusedError, and errors that `translated` takes."""

    _clients: dict[str, openai.AsyncOpenAI] = field(default_factory=dict)  # by base URL

    async def post(self, model: ModelConfig, path: str, body: JSON | None = None) -> Reply:
        """Send a POST.

        `client.chat.completions.create` would search the parameters for names to transform, which takes half
        as long as the rest.
        """
        response = await self._client(model).post(
            path,
            cast_to=httpx2.Response,
            body=body,
            options=_options(model),
            stream=True,
            stream_cls=openai.AsyncStream[Any],
        )
        assert isinstance(response, httpx2.Response)  # by `cast_to`
        return Reply(response)

    async def get(
        self, model: ModelConfig, path: str, query: Mapping[str, str], seconds: float | None = None
    ) -> Reply:
        """Send a GET. `seconds`: for each read."""
        options = _options(model, query)
        if seconds is not None:
            options["timeout"] = seconds
        response = await self._client(model).get(
            path,
            cast_to=httpx2.Response,
            options=options,
            stream=True,
            stream_cls=openai.AsyncStream[Any],
        )
        assert isinstance(response, httpx2.Response)  # by `cast_to`
        return Reply(response)

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
                    verify=_trusted(),
                    limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=100),
                    event_hooks={"response": [_raise_refusal]},
                ),
            )
        return self._clients[model.base_url]


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that every client trusts, read once: it takes 25 ms of CPU."""
    return httpx2.create_ssl_context()


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of a connection as ProviderError, without their texts; RefusedError as it is."""
    try:
        yield
    except RefusedError:
        raise
    except (openai.OpenAIError, httpx2.HTTPError) as error:
        raise _translated(error) from error
    except (aiohttp.ClientError, UnicodeError):  # their text quotes the server, or the URL
        raise ProviderError("upstream_malformed") from None


def _options(model: ModelConfig, query: Mapping[str, str] = MappingProxyType({})) -> Any:
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
        "params": {**model.query, **query},
        "security": {"bearer_auth": True},  # no other key
    }


async def _raise_refusal(response: httpx2.Response) -> None:
    """Raise an error or a redirect with the beginning of its body.

    The SDK would read it all, and follow the redirect: a key is for the configured address alone.
    """
    if not response.is_success:
        raise RefusedError(response, await _beginning(response, MAX_BODY_BYTES, REFUSAL_SECS))


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
