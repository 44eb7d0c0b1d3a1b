"""Build one request to OpenAI's Responses API from chat messages and chat parameters. Pure.

Format: https://platform.openai.com/docs/api-reference/responses/create
"""

from collections.abc import Iterator
from typing import Any

from chat.protocol.events import JSON
from chat.protocol.parameters import WITH_TOOLS
from chat.responses.model_catalog import ModelConfig
from workers.providers.changes import LIMITS, NEEDED, Learned
from workers.providers.request import Request, limit_of

LIMIT = "max_output_tokens"
# of chat completions alone
_OTHER = frozenset(
    ("stream_options", "stop", "seed", "n", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs")
)
# of chat completions, with their places
_INSIDE = {
    "reasoning_effort": ("reasoning", "effort"),
    "verbosity": ("text", "verbosity"),
    "response_format": ("text", "format"),
}


def response_body(
    model: ModelConfig,
    upstream_model: str,
    request: Request,
    learned: Learned,
    room: int | None = None,
    *,
    background: bool = False,
) -> JSON:
    """The JSON body. `room`: as in `request_body`; `background`: if the model's parameters allow it."""
    without = learned.without.union(model.without) - NEEDED
    kept: JSON = {"stream": True, "store": background}
    fields = kept | ({"background": True} if background else {})
    if request.temperature is not None:
        fields["temperature"] = request.temperature
    fields |= parameters({**request.parameters, **model.parameters})
    if not background:
        fields = {name: value for name, value in fields.items() if name != "background"} | kept
    elif fields.get("store") is False:  # the API takes no background without it
        fields.pop("background", None)
    limit = limit_of(model, request, learned, room)
    if limit:
        fields[LIMIT] = limit
    if "tools" not in fields or "tools" in without:
        without = without.union(WITH_TOOLS)
    sent = {name: value for name, value in fields.items() if name not in without}
    return {**sent, "stream": True, "model": upstream_model, "input": list(input_items(request.messages))}


def parameters(given: JSON) -> JSON:
    """Parameters under the names of the Responses API; its own names stay, limits are left out."""
    found: JSON = {}
    for name, value in given.items():
        if name in _INSIDE:
            outer, inner = _INSIDE[name]
            found[outer] = {**found.get(outer, {}), inner: _translated(name, value)}
        elif name in ("reasoning", "text") and isinstance(value, dict):
            found[name] = {**found.get(name, {}), **value}
        elif name not in _OTHER and name not in LIMITS:
            found[name] = _translated(name, value)
    return found


def _translated(name: str, value: Any) -> Any:
    match name:
        case "tools" if isinstance(value, list):
            return [_flat(tool, "function") for tool in value]
        case "tool_choice":
            return _flat(value, "function")
        case "response_format" if isinstance(value, dict):
            return _flat(value, value.get("type"))
    return value


def _flat(value: Any, name: Any) -> Any:
    """A tool, a choice or a format without its inner object, which chat completions have."""
    if not isinstance(value, dict) or not isinstance(value.get(name), dict):
        return value
    return {key: each for key, each in value.items() if key != name} | value[name]


def input_items(messages: list[JSON]) -> Iterator[JSON]:
    """Chat messages as items of the input."""
    for message in messages:
        role, content = message["role"], message.get("content")
        if role == "tool":
            call_id = message["tool_call_id"]
            yield {"type": "function_call_output", "call_id": call_id, "output": _parts(content)}
            continue
        if content:
            yield {"role": role, "content": _said(content) if role == "assistant" else _parts(content)}
        for call in message.get("tool_calls") or ():
            function = {name: call["function"][name] for name in ("name", "arguments")}
            yield {"type": "function_call", "call_id": call["id"], **function}


def _said(content: Any) -> str:
    """The text of an assistant's message: its parts would need an id and a status."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or part.get("refusal") or "" for part in content)


def _parts(content: Any) -> Any:
    return [_part(part) for part in content] if isinstance(content, list) else content


def _part(part: JSON) -> JSON:
    match part.get("type"):
        case "text":
            return {"type": "input_text", "text": part["text"]}
        case "image_url":
            image = part["image_url"] if isinstance(part["image_url"], dict) else {"url": part["image_url"]}
            detail = image.get("detail") or "auto"
            return {"type": "input_image", "image_url": image["url"], "detail": detail}
        case "file":
            return {"type": "input_file", **part["file"]}
    return part
