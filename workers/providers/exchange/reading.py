"""Read a body as chunks: bytes through `framing`, its values through a reader. Pure."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

from workers.providers.base import Chunk, FinishReason, ProviderError
from workers.providers.framing import DONE, Framing, FramingError, MarkupError


class Reader(Protocol):
    """Merges the values of one answer into chunks: `completion`, `responses.events`."""

    finish: FinishReason | None

    @property
    def known(self) -> bool:
        """Whether any value had the form of an answer."""

    @property
    def whole(self) -> bool:
        """Whether it was one document with the whole answer."""

    def read(self, value: Any, chunk: Chunk) -> bool | None:
        """Merge one value; True: the answer is over.

        Raises ProviderError; the chunk keeps the text before.
        """

    def conclude(self, word: str, chunk: Chunk) -> None:
        """Take a finish reason, also that of [DONE]. Raises ProviderError."""

    def flush(self, chunk: Chunk) -> None:
        """Add the held text: none follows."""


async def chunks(body: AsyncIterator[bytes], framing: Framing, reader: Reader) -> AsyncIterator[Chunk]:
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
    except ProviderError:
        reader.flush(chunk)
        yield chunk
        raise
    if chunk != Chunk():
        yield chunk


def _read(values: Iterator[Any], reader: Reader, chunk: Chunk) -> bool:
    """Merge values into a chunk. True: the answer is over."""
    try:
        for value in values:
            if value is DONE:
                reader.conclude(reader.finish or "stop", chunk)
                return True
            if reader.read(value, chunk):
                return True
    except MarkupError as error:
        raise ProviderError("upstream_wrong_address", permanent=True) from error
    except FramingError as error:
        raise ProviderError("upstream_malformed") from error
    return False


def _end(framing: Framing, reader: Reader, chunk: Chunk) -> None:
    """Merge the end of the body: complete with a finish reason, [DONE] or a whole message."""
    if _read(framing.end(), reader, chunk):
        return
    if reader.finish is None and framing.document and reader.whole:
        reader.conclude("stop", chunk)
    if reader.finish is None:
        malformed = framing.document and not reader.known
        raise ProviderError("upstream_malformed" if malformed else "upstream_cut")
