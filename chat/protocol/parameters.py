"""The requested fields under the names of chat completions.

Format: https://platform.openai.com/docs/api-reference/chat/create
"""

from typing import Any

from chat.protocol.events import JSON
from chat.protocol.fields import json_bytes
from chat.protocol.options import Options

SAME = (
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "stop",
    "logit_bias",
)  # sent as they are, unless they are empty
WITH_TOOLS = ("tool_choice", "parallel_tool_calls")  # servers refuse them without tools
WRITTEN_TO_THE_MODEL = ("tools", "response_format")  # they are in its context


def parameters(request: JSON) -> JSON:
    """The fields of a model's request. `request`: the column of a row.

    Tools and the choice among them stay in the form of the Responses API, as programs get and give them.
    Names that are none of `response.create` are the model's own, sent as they are.
    """
    own = {name: value for name, value in request.items() if name not in Options.model_fields}
    same = {name: request[name] for name in SAME if request.get(name) not in (None, [], {})}
    text, reasoning = request.get("text", {}), request.get("reasoning", {})
    fields = {
        "response_format": _response_format(text.get("format")),
        "verbosity": text.get("verbosity"),
        "reasoning_effort": reasoning.get("effort"),
    }
    named = {name: value for name, value in fields.items() if value is not None}
    return own | same | named | _of_tools(request)


def in_chat_form(fields: JSON) -> JSON:
    """Fields whose functions, and the choice of one, have the form of chat completions."""
    changed: JSON = {}
    if isinstance(tools := fields.get("tools"), list):
        changed["tools"] = [_function(tool) for tool in tools]
    if "tool_choice" in fields:
        changed["tool_choice"] = _function(fields["tool_choice"])
    return fields | changed


def parameter_bytes(fields: JSON) -> int:
    """The size of the fields of a request that are in the model's context."""
    return sum(json_bytes(fields[name]) for name in WRITTEN_TO_THE_MODEL if name in fields)


def _response_format(wanted: JSON | None) -> JSON | None:
    if wanted is None or wanted["type"] == "text":  # the default
        return None
    if wanted["type"] == "json_object":
        return wanted
    return {"type": "json_schema", "json_schema": _without_type(wanted)}


def _of_tools(request: JSON) -> JSON:
    tools, choice = request.get("tools", []), request.get("tool_choice")
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        allowed = {tool["name"] for tool in choice["tools"]}
        tools = [tool for tool in tools if tool["name"] in allowed]
        choice = choice["mode"]
    if not tools:
        return {}
    asked: dict[str, Any] = {"tools": tools, "tool_choice": choice}
    asked["parallel_tool_calls"] = request.get("parallel_tool_calls")
    return {name: value for name, value in asked.items() if value is not None}


def _function(tool: Any) -> Any:
    is_flat = isinstance(tool, dict) and tool.get("type") == "function" and "function" not in tool
    return {"type": "function", "function": _without_type(tool)} if is_flat else tool


def _without_type(value: JSON) -> JSON:
    return {name: each for name, each in value.items() if name != "type"}
