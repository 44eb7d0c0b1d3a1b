"""Ask a model one tiny question, as a worker would, within its deadlines."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace

from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig
from workers.generation.deadlines import AttemptProgress
from workers.providers.base import Chunk, ProviderError
from workers.providers.openai_compatible import Provider
from workers.providers.request import Request

MAX_TOKENS = 64
COUNT: list[JSON] = [{"role": "user", "content": "Count from 1 to 20."}]
# one black pixel
PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="
)
PICTURE: list[JSON] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Name the colour."},
            {"type": "image_url", "image_url": {"url": PIXEL}},
        ],
    }
]
TOOL: JSON = {
    "type": "function",
    "function": {
        "name": "now",
        "description": "The time of day.",
        "parameters": {"type": "object", "properties": {}},
    },
}


@dataclass(slots=True)
class Trial:
    """One answer. `code`: a key of FAILURES, or empty; `pieces`: reads with text."""

    code: str = ""
    pieces: int = 0
    first_token_secs: float = 0
    text: str = ""
    usage: JSON | None = None
    is_cut_off: bool = False  # at its limit of tokens


async def count(provider: Provider, model: ModelConfig) -> Trial:
    """Ask for some dozen tokens."""
    return await _tried(provider, model, COUNT)


async def with_tool(provider: Provider, model: ModelConfig) -> Trial:
    """Ask with the definition of a tool; a call of it has no text."""
    taught = replace(model, parameters={**model.parameters, "tools": [TOOL]})
    return await _tried(provider, taught, COUNT)


async def with_image(provider: Provider, model: ModelConfig) -> Trial:
    """Ask about a picture."""
    return await _tried(provider, model, PICTURE)


async def _tried(provider: Provider, model: ModelConfig, messages: list[JSON]) -> Trial:
    clock = asyncio.get_running_loop().time
    begun, trial = clock(), Trial()
    progress = AttemptProgress(model.deadlines, begun)
    try:
        async with (
            asyncio.timeout_at(progress.deadline) as patience,
            aclosing(provider.stream(model, Request(messages, MAX_TOKENS))) as chunks,
        ):
            async for chunk in chunks:
                _take(trial, chunk, clock() - begun)
                progress.receive(chunk, clock())
                patience.reschedule(progress.deadline)
    except TimeoutError:
        progress.fail()
    except ProviderError as error:
        progress.fail(error.code)
    trial.code = progress.error_code or ""
    trial.usage, trial.is_cut_off = progress.usage, progress.finish == "length"
    return trial


def _take(trial: Trial, chunk: Chunk, secs: float) -> None:
    if chunk.text or chunk.reasoning:
        trial.pieces += 1
        trial.first_token_secs = trial.first_token_secs or secs
        trial.text += chunk.text
