"""The argument of a program."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chat.protocol.events import JSON
from chat.protocol.objects import ResponseObject
from workers.programs.steps import Shield, Step, done
from workers.programs.translation import values
from workers.programs.values import AnswerError, Value
from workers.providers.base import Chunk, ProviderError

# of the same form in a chat completion
PASSED_ON = (
    "temperature",
    "max_output_tokens",
    "top_p",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "seed",
)

# (name of a model, messages, parameters) → chunks; raises ProviderError
AskModel = Callable[[str, list[JSON], dict[str, Any]], AsyncGenerator[Chunk, None]]
# (name, step, shield from cancellations) → its result, or the one of an earlier attempt
DoStep = Callable[[str, Step, Shield], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ask:
    """A request for an answer. Each field has a default, so that a test can call a program."""

    text: str = ""  # of the newest message of the user
    messages: list[JSON] = field(default_factory=list)  # the prompt, earlier turns too: [{"role", "content"}]
    items: list[JSON] = field(default_factory=list)  # the input as it was sent
    instructions: str = ""
    tools: list[JSON] = field(default_factory=list)  # functions that the client has
    parameters: JSON = field(default_factory=dict)  # as sent: temperature, max_output_tokens, top_p, …
    metadata: JSON = field(default_factory=dict)
    owner_id: int | None = None  # of the user at the start; a guest who signs in takes the response along
    response_id: str = ""
    attempt: int = 1  # above 1: an earlier worker was lost, or handed over
    so_far: str = ""  # text of earlier attempts that this one continues, with `resume = "continue"`
    ask_model: AskModel | None = None
    do_step: DoStep = done
    shield: Shield = asyncio.shield

    def __repr__(self) -> str:
        """Without texts: they belong in no log."""
        return f"<Ask {self.response_id}, attempt {self.attempt}>"

    async def model(self, name: str, messages: list[JSON], **parameters: Any) -> AsyncGenerator[Value, None]:
        """Ask another model of the catalog; yield its values as they arrive, each call when it is complete.

        `parameters`: fields of a chat completion, such as `tools`, and `max_output_tokens`.
        Raises AnswerError; ValueError for a name that is no model with a server.
        """
        if self.ask_model is None:
            message = "only a worker can ask a model"
            raise RuntimeError(message)
        try:
            async with aclosing(self.ask_model(name, messages, parameters)) as chunks:
                async for value in values(chunks):
                    yield value
        except ProviderError as error:
            raise AnswerError(error.code) from error

    async def once(self, name: str, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Return `function(*args, **named)` as JSON has it; another attempt gets this result without a call.

        `name`: unique in the answer. A coroutine function is awaited, another function runs in a thread.
        A worker that is lost within the step has not done it: it runs again.
        """
        return await self.do_step(name, Step(partial(function, *args, **named)), self.shield)


def last_text(messages: list[JSON]) -> str:
    """The text of the newest message of the user."""
    content = next((each["content"] for each in reversed(messages) if each["role"] == "user"), "")
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if isinstance(part.get("text"), str))


def parameters(response: ResponseObject, sent: JSON) -> JSON:
    """The parameters that were sent, as `Ask.model` takes them."""
    asked: JSON = {**response, **sent}  # the first has those that are columns of the row
    return {name: asked[name] for name in PASSED_ON if asked.get(name) is not None}
