"""Request a chat completion, or a response of OpenAI's Responses API, and yield its chunks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from chat.responses.model_catalog import ModelConfig
from workers.providers.base import Chunk
from workers.providers.completion import Reader
from workers.providers.exchange.asking import Asking, FilteredError
from workers.providers.exchange.reading import chunks
from workers.providers.framing import Framing
from workers.providers.request import Request, request_body
from workers.providers.responses import api as responses_api


@dataclass(slots=True)
class Provider(Asking):
    """The models' servers."""

    async def stream(
        self, model: ModelConfig, request: Request, background: responses_api.Background | None = None
    ) -> AsyncGenerator[Chunk, None]:
        """Yield an answer's chunks. Raises ProviderError.

        Leaving the iteration, also by cancellation, closes the connection: the server stops, except with
        `background`, for a server of the Responses API.
        """
        of_api = _completion(self, model, request)
        if model.api == "responses":
            of_api = responses_api.response(self, model, request, background)
        try:
            with self.failures(model):
                async with aclosing(of_api) as parts:
                    async for chunk in parts:
                        yield chunk
        except FilteredError:
            yield Chunk(finish="content_filter")  # of the prompt


async def _completion(asking: Asking, model: ModelConfig, request: Request) -> AsyncGenerator[Chunk, None]:
    body = partial(request_body, model, await asking.upstream_model(model), request)
    async with aclosing(await asking.ask(model, "/chat/completions", body)) as reply:
        framing = Framing(reply.header("content-type"), reply.header("content-encoding"))
        async for chunk in chunks(reply.body(), framing, Reader(model.reasoning_tags or None)):
            yield chunk
