"""`POST /v1/chat/completions` as a `response.create`. Pure.

Format: https://platform.openai.com/docs/api-reference/chat/create
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from chat.api.completions.messages import Messages
from chat.api.completions.tools import Choice, Format, Tools, flat_choice, flat_format
from chat.protocol.commands import Create, Limits, MaxOutputTokens, create
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.fields import Strict, refusal
from chat.protocol.structure import MAX_ITEMS, MAX_PARTS, count_parts, refuse_unknown

# as `response.create` has them
SAME = (
    "frequency_penalty",
    "logit_bias",
    "metadata",
    "model",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",  # OpenRouter's, beside `reasoning_effort`
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "temperature",
    "top_logprobs",
    "top_p",
    "user",
)
# with the one value that asks for nothing
UNSUPPORTED: Mapping[str, Any] = {
    "audio": None,
    "function_call": None,  # tools have replaced it, and the next
    "functions": None,
    "logprobs": False,
    "modalities": ["text"],
    "moderation": None,
    "n": 1,
    "prediction": None,
    "web_search_options": None,
}
# of a field of `response.create` the one that it is made of
NAMES = {"input": "messages", "text": "response_format", "text.verbosity": "verbosity"}
PLACE = re.compile(r"input\[(\d+)\](?:\.(?:content|output)(\[\d+\](?:\.\w+)?)?)?")
FIELDS = {"image_url": "image_url.url", "file_data": "file.file_data", "file_id": "file.file_id"}


class StreamOptions(Strict):
    """`stream_options`; no chunk is obfuscated."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Translated(Strict):
    """The fields that have another form in `response.create`."""

    messages: Messages
    max_tokens: MaxOutputTokens | None = None
    max_completion_tokens: MaxOutputTokens | None = None
    reasoning_effort: Any = None
    response_format: Format | None = None
    stream_options: StreamOptions | None = None
    tool_choice: Choice | None = None
    tools: Tools | None = None
    verbosity: Any = None


@dataclass(frozen=True)
class Paths:
    """Fields of a `response.create` as the client wrote them.

    `names`: of the fields that have others; `places`: the message of each item.
    """

    names: Mapping[str, str]
    places: tuple[int, ...]

    def refused(self, error: CommandError) -> CommandError:
        """The refusal with the path in the client's body."""
        return replace(error, param=error.param and self._of(error.param))

    def _of(self, param: str) -> str:
        if found := PLACE.match(param):
            part, _, field = (found[2] or "").partition(".")
            content = f".content{part}" if found[2] else ""
            inside = f".{FIELDS.get(field, field)}" if field else ""
            return f"messages[{self.places[int(found[1])]}]{content}{inside}"
        return self.names.get(param, param)


@dataclass(frozen=True)
class CompletionRequest:
    """A request: its command, and what only the reply needs."""

    command: Create
    paths: Paths
    include_usage: bool = False


def completion_request(body: JSON, limits: Limits, own: Collection[str] = ()) -> CompletionRequest:
    """Validate a request; null is as good as absent. Raises CommandError with the path of the field.

    `own`: names of the models' own fields.
    """
    given = {name: value for name, value in body.items() if value is not None}
    _check_names(given, own)
    translated = _translated({name: given[name] for name in Translated.model_fields if name in given})
    items, places = _items(translated)
    paths = Paths(_names(translated), places)
    same = {name: value for name, value in given.items() if name not in Translated.model_fields}
    same = {name: value for name, value in same.items() if name not in UNSUPPORTED}
    fields = {"store": False} | same | _renamed(translated, given.get("reasoning"))
    try:
        command = create({"type": "response.create", "input": items} | fields, limits, own)
    except CommandError as error:
        raise paths.refused(error) from None
    options = translated.stream_options
    return CompletionRequest(command, paths, bool(options and options.include_usage))


def _check_names(given: JSON, own: Collection[str]) -> None:
    refuse_unknown({*SAME, *UNSUPPORTED, *Translated.model_fields, *own}, given)
    if isinstance(options := given.get("stream_options"), dict):
        refuse_unknown(StreamOptions.model_fields, options, "stream_options.")
    for name, value in UNSUPPORTED.items():
        if name in given and given[name] != value:
            raise CommandError("unsupported_parameter", name)
    for name in ("model", "messages"):
        if name not in given:
            raise CommandError("missing_field", name)
    if isinstance(given["messages"], list) and _is_long(given["messages"]):
        raise CommandError("invalid_field", "messages")


def _is_long(messages: list[Any]) -> bool:
    """Whether they have too much for `response.create`, which would only be refused after pydantic."""
    calls, parts = count_parts(messages, ["tool_calls"]), count_parts(messages, ["content"])
    return len(messages) > MAX_ITEMS or calls > MAX_ITEMS or parts > MAX_PARTS


def _translated(given: JSON) -> Translated:
    try:
        return Translated.model_validate(given)
    except ValidationError as invalid:
        raise CommandError(*refusal(invalid.errors(include_url=False, include_input=False)[0])) from None


def _items(translated: Translated) -> tuple[list[JSON], tuple[int, ...]]:
    """The items of all messages, and the place of the message of each."""
    placed = [(item, place) for place, each in enumerate(translated.messages) for item in each.items()]
    return [item for item, _ in placed], tuple(place for _, place in placed)


def _names(translated: Translated) -> dict[str, str]:
    """The names of the fields. Raises CommandError if both limits were sent, and differ."""
    names, limit = dict(NAMES), translated.max_tokens
    if translated.reasoning_effort is not None:
        names["reasoning.effort"] = "reasoning_effort"
    if limit not in (None, translated.max_completion_tokens or limit):
        raise CommandError("invalid_field", "max_tokens")
    return names


def _renamed(translated: Translated, reasoning: Any) -> JSON:
    text = {
        "format": flat_format(translated.response_format) if translated.response_format else None,
        "verbosity": translated.verbosity,
    }
    text = {name: value for name, value in text.items() if value is not None}
    if translated.reasoning_effort is not None:
        reasoning = (reasoning if isinstance(reasoning, dict) else {}) | {
            "effort": translated.reasoning_effort
        }
    fields = {
        "max_output_tokens": translated.max_completion_tokens or translated.max_tokens,
        "reasoning": reasoning,
        "text": text or None,
        "tool_choice": flat_choice(translated.tool_choice) if translated.tool_choice else None,
        "tools": [tool.flat() for tool in translated.tools] if translated.tools is not None else None,
    }
    return {name: value for name, value in fields.items() if value is not None}
