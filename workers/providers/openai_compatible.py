"""The only user of the OpenAI SDK: request a chat completion and yield its chunks.

The body is read below the SDK: an object per chunk costs more than the rest of the path.
"""

import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig
from workers.providers.base import Chunk, ProviderError
from workers.providers.completion import Reader
from workers.providers.framing import DONE, Framing, FramingError, MarkupError
from workers.providers.retry_after import retry_after_secs

MAX_CONNECTIONS = 2000  # above a worker's answers; the transport's default is 100
# raised by a list of models of another form, or JSON nested too deep
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True, slots=True)
class Request:
    """Chat messages `[{"role", "content"}]` and limits."""

    messages: list[JSON]
    max_output_tokens: int | None = None
    temperature: float | None = None


@dataclass(slots=True)
class Provider:
    """The models' servers."""

    _clients: dict[tuple[str, str], openai.AsyncOpenAI] = field(default_factory=dict)
    _first_models: dict[str, str] = field(default_factory=dict)

    async def stream(self, model: ModelConfig, request: Request) -> AsyncGenerator[Chunk, None]:
        """Yield a completion's chunks. Raises ProviderError.

        Leaving the iteration, also by cancellation, closes the connection: the server stops.
        """
        client = self._client(model)
        try:
            upstream_model = model.upstream_model or await self._first_model(client, model)
            response = await _ask(client, model, _parameters(model, upstream_model, request))
            async with aclosing(response):
                names = ("content-type", "content-encoding")
                framing = Framing(*(response.headers.get(name, "") for name in names))
                async for chunk in _chunks(_body(response), framing, Reader(model.reasoning_tags or None)):
                    yield chunk
        except openai.NotFoundError as error:
            self._first_models.pop(model.base_url, None)  # it may list another now
            raise _translated(error) from error
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _translated(error) from error

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def _client(self, model: ModelConfig) -> openai.AsyncOpenAI:
        key = (model.base_url, model.key_env)
        if key not in self._clients:
            self._clients[key] = openai.AsyncOpenAI(
                base_url=model.base_url,
                api_key=os.environ.get(model.key_env) or "none",
                max_retries=0,  # the SDK would sleep a Retry-After of minutes
                http_client=openai.DefaultAioHttpClient(
                    limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=100),
                    event_hooks={"response": [_leave_errors]},
                ),
            )
        return self._clients[key]

    async def _first_model(self, client: openai.AsyncOpenAI, model: ModelConfig) -> str:
        if model.base_url not in self._first_models:
            try:
                listed = await client.models.list(timeout=model.deadlines.connect)
                self._first_models[model.base_url] = listed.data[0].id
            except _MALFORMED as error:  # the SDK accepts any body with 200
                raise ProviderError("upstream_malformed") from error
        return self._first_models[model.base_url]


async def _ask(client: openai.AsyncOpenAI, model: ModelConfig, parameters: JSON) -> httpx2.Response:
    """Request a completion; the caller reads and closes its body.

    `client.chat.completions.create` would search the parameters for names to transform, which takes half as
    long as the rest.
    """
    response = await client.post(
        "/chat/completions",
        cast_to=httpx2.Response,
        body=parameters,
        options={
            "timeout": openai.Timeout(None, connect=model.deadlines.connect),
            "headers": {"Accept-Encoding": "identity"},  # the body is read raw
            "security": {"bearer_auth": True},  # no other key
        },
        stream=True,
        stream_cls=openai.AsyncStream[Any],
    )
    assert isinstance(response, httpx2.Response)  # by `cast_to`
    return response


async def _leave_errors(response: httpx2.Response) -> None:
    """Close an error response unread: the SDK would read it all, only its status is reported.

    The list of models is not streamed, so always read.
    """
    if response.is_error and response.request.method == "POST":
        await response.aclose()


def _parameters(model: ModelConfig, upstream_model: str, request: Request) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "model": upstream_model,
        "messages": request.messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    limits = [n for n in (request.max_output_tokens, model.max_output_tokens) if n]
    if limits:
        # newer OpenAI models accept only the new name, many servers only the old
        of_openai = httpx2.URL(model.base_url).host == "api.openai.com"
        parameters["max_completion_tokens" if of_openai else "max_tokens"] = min(limits)
    if request.temperature is not None:
        parameters["temperature"] = request.temperature
    return parameters


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


# the first match counts; others are "upstream_error"
_CODES: tuple[tuple[type[Exception], str, bool], ...] = (
    (openai.AuthenticationError, "upstream_unauthorized", True),
    (openai.PermissionDeniedError, "upstream_unauthorized", True),
    (openai.NotFoundError, "upstream_not_found", True),
    (openai.RateLimitError, "rate_limit_exceeded", True),  # a retry would add load
    (openai.InternalServerError, "upstream_error", False),
    (openai.APIStatusError, "upstream_rejected", True),
    (openai.APITimeoutError, "timeout_connect", False),
    (openai.APIConnectionError, "upstream_unreachable", False),
    (httpx2.HTTPError, "upstream_cut", False),
)


def _translated(error: Exception) -> ProviderError:
    """Map an SDK error to a code, never its text."""
    if isinstance(error, openai.APITimeoutError) and not _timed_out(error):
        return ProviderError("upstream_unreachable")
    for kind, code, permanent in _CODES:
        if isinstance(error, kind):
            return ProviderError(code, permanent=permanent, retry_after=_retry_after(error))
    return ProviderError("upstream_error")


def _retry_after(error: Exception) -> float | None:
    if isinstance(error, openai.RateLimitError | openai.InternalServerError):
        return retry_after_secs(error.response.headers, time.time())
    return None


def _timed_out(error: BaseException | None) -> bool:
    """Whether connecting timed out; the SDK also reports a refusal as a time-out."""
    while error is not None and not isinstance(error, TimeoutError):
        error = error.__cause__
    return error is not None
