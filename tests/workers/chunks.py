"""Chunks, as providers yield them."""

from chat.protocol.events import JSON
from workers.providers.base import Chunk, FinishReason


def chunk_of(
    text: str = "", reasoning: str = "", finish: FinishReason | None = None, usage: JSON | None = None
) -> Chunk:
    """A chunk with a text, after a reasoning text."""
    chunk = Chunk(finish=finish, usage=usage)
    chunk.add("reasoning", reasoning)
    chunk.add("text", text)
    return chunk
