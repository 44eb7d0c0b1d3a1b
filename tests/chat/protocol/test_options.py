"""Tools, formats and sampling: what is stored of a request, and the path of each refusal."""

import json
from typing import Any

import pytest

from chat.protocol.commands import create
from chat.protocol.errors import CommandError
from chat.protocol.options import LOGPROBS, MAX_TOOLS, Options

TOOL: dict[str, Any] = {
    "type": "function",
    "name": "f",
    "description": "d",
    "parameters": {"type": "object", "properties": {"a": {"default": None}}},
    "strict": True,
}
SCHEMA: dict[str, Any] = {"type": "json_schema", "name": "n", "schema": {"type": "object", "x": None}}
REQUEST: dict[str, Any] = {
    "tools": [TOOL, {"type": "function", "name": "g"}],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
    "parallel_tool_calls": False,
    "max_tool_calls": 3,
    "text": {"format": SCHEMA | {"strict": True, "description": "d"}, "verbosity": "low"},
    "reasoning": {"effort": "high", "summary": "auto"},
    "top_p": 0.5,
    "presence_penalty": -2.0,
    "frequency_penalty": 2,
    "seed": 7,
    "stop": ["a", "b"],
    "logit_bias": {"50256": -100},
    "top_logprobs": 0,
    "truncation": "auto",
    "service_tier": "flex",
    "safety_identifier": "s",
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "implicit"},
    "prompt_cache_retention": "24h",
    "client_metadata": {"session": "s"},
    "user": "u",
    "include": ["reasoning.encrypted_content"],
}


def requested(**fields: Any) -> dict[str, Any]:
    return create({"type": "response.create", "input": "a"} | fields).requested()


def test_what_was_sent_is_stored_and_nothing_else() -> None:
    assert requested(**REQUEST) == REQUEST
    assert REQUEST.keys() == Options.model_fields.keys()
    assert requested() == {}
    assert json.dumps(requested(**REQUEST))


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice": "none"},
        {"tool_choice": "auto"},
        {"tools": [TOOL], "tool_choice": "required"},
        {"tools": [TOOL], "tool_choice": {"type": "function", "name": "f"}},
        {"text": {"format": {"type": "text"}}},
        {"text": {"format": {"type": "json_object"}}},
        {"stop": "a"},
        {"reasoning": {"effort": "none"}},
        {"truncation": "disabled"},
        {"tools": [TOOL] * MAX_TOOLS},
        {"tools": [TOOL | {"parameters": {"pattern": "\\u0000"}}]},
    ],
)
def test_other_forms_are_stored_as_they_are(fields: dict[str, Any]) -> None:
    assert requested(**fields) == fields


def test_unknown_keys_of_tools_and_formats_are_dropped() -> None:
    more = {"defer_loading": True, "description": None}
    assert requested(tools=[{"type": "function", "name": "f"} | more], text={"format": SCHEMA | more}) == {
        "tools": [{"type": "function", "name": "f"}],
        "text": {"format": SCHEMA},
    }


def choice(**fields: Any) -> dict[str, Any]:
    return {"tools": [TOOL], "tool_choice": fields}


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"tools": {}}, "invalid_field", "tools"),
        ({"tools": [5]}, "invalid_field", "tools[0]"),
        ({"tools": [TOOL, {"name": "f"}]}, "missing_field", "tools[1].type"),
        ({"tools": [{"type": "web_search"}]}, "unsupported_parameter", "tools[0].type"),
        ({"tools": [TOOL, TOOL, {"type": "custom"}]}, "unsupported_parameter", "tools[2].type"),
        ({"tools": [{"type": 5}]}, "invalid_field", "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "missing_field", "tools[0].name"),
        ({"tools": [TOOL | {"name": "f" * 129}]}, "invalid_field", "tools[0].name"),
        ({"tools": [TOOL | {"parameters": []}]}, "invalid_field", "tools[0].parameters"),
        ({"tools": [TOOL | {"parameters": {"a": "\x00"}}]}, "invalid_field", "tools[0].parameters"),
        ({"tools": [TOOL | {"parameters": {"a\x00": 1}}]}, "invalid_field", "tools[0].parameters"),
        ({"tools": [TOOL | {"parameters": {"a": float("nan")}}]}, "invalid_field", "tools[0].parameters"),
        ({"tools": [TOOL | {"parameters": {"a": 10**5000}}]}, "invalid_field", "tools[0].parameters"),
        ({"tools": [TOOL | {"parameters": {"a": "\ud800"}}]}, "invalid_field", "tools[0].parameters"),
        ({"tools": [TOOL] * (MAX_TOOLS + 1)}, "invalid_field", "tools"),
        ({"tool_choice": "any"}, "invalid_field", "tool_choice"),
        ({"tool_choice": 5}, "invalid_field", "tool_choice"),
        ({"tool_choice": ["auto"]}, "invalid_field", "tool_choice"),
        ({"tool_choice": "required"}, "invalid_field", "tool_choice"),
        (choice(type="function"), "missing_field", "tool_choice.name"),
        (choice(type="function", name="g"), "invalid_field", "tool_choice"),
        (choice(type="mcp"), "unsupported_parameter", "tool_choice.type"),
        (choice(name="f"), "missing_field", "tool_choice.type"),
        (choice(type="allowed_tools", mode="none", tools=[TOOL]), "invalid_field", "tool_choice.mode"),
        (
            choice(type="allowed_tools", mode="auto", tools=[{"type": "mcp"}]),
            "unsupported_parameter",
            "tool_choice.tools[0].type",
        ),
        (
            choice(type="allowed_tools", mode="auto", tools=[TOOL | {"name": "g"}]),
            "invalid_field",
            "tool_choice",
        ),
        ({"parallel_tool_calls": 1}, "invalid_field", "parallel_tool_calls"),
        ({"max_tool_calls": 0}, "invalid_field", "max_tool_calls"),
        ({"text": {"x": 1}}, "unknown_field", "text.x"),
        ({"text": {"verbosity": "huge"}}, "invalid_field", "text.verbosity"),
        ({"text": {"format": {"type": "grammar"}}}, "unsupported_parameter", "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "missing_field", "text.format.schema"),
        ({"text": {"format": SCHEMA | {"schema": 5}}}, "invalid_field", "text.format.schema"),
        ({"reasoning": {"effort": "extreme"}}, "invalid_field", "reasoning.effort"),
        ({"reasoning": {"x": 1}}, "unknown_field", "reasoning.x"),
        ({"reasoning": []}, "invalid_field", "reasoning"),
        ({"top_p": 1.1}, "invalid_field", "top_p"),
        ({"presence_penalty": 2.1}, "invalid_field", "presence_penalty"),
        ({"frequency_penalty": float("nan")}, "invalid_field", "frequency_penalty"),
        ({"seed": 2**63}, "invalid_field", "seed"),
        ({"stop": ["a"] * 5}, "invalid_field", "stop"),
        ({"stop": ["a", 5]}, "invalid_field", "stop[1]"),
        ({"stop": {"type": "text"}}, "invalid_field", "stop"),
        ({"stop": ""}, "invalid_field", "stop"),
        ({"logit_bias": []}, "invalid_field", "logit_bias"),
        ({"top_logprobs": 1}, "unsupported_parameter", "top_logprobs"),
        ({"truncation": "middle"}, "invalid_field", "truncation"),
        ({"user": "u" * 513}, "invalid_field", "user"),
        ({"include": ["x", LOGPROBS]}, "unsupported_parameter", "include[1]"),
        ({"background_options": {"completion_window": "2h"}}, "unsupported_parameter", "background_options"),
        ({"stream_options": {"include_usage": True}}, "unknown_field", "stream_options.include_usage"),
    ],
)
def test_a_refusal_names_the_exact_place(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(CommandError) as refused:
        requested(**fields)
    assert (refused.value.code, refused.value.param) == (code, param)
