"""Parameters: the requested fields under the names of chat completions."""

import json
from typing import Any

import pytest

from chat.protocol.parameters import in_chat_form, parameter_bytes, parameters
from tests.chat.protocol.test_options import REQUEST, SCHEMA, TOOL, requested

OTHER = {"type": "function", "name": "g"}


def test_every_field_for_the_server_has_its_name_there() -> None:
    assert parameters(requested(**REQUEST)) == {
        "tools": [TOOL],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": SCHEMA["schema"], "strict": True, "description": "d"},
        },
        "verbosity": "low",
        "reasoning_effort": "high",
        "top_p": 0.5,
        "presence_penalty": -2.0,
        "frequency_penalty": 2,
        "seed": 7,
        "stop": ["a", "b"],
        "logit_bias": {"50256": -100},
    }


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        ({}, {}),
        ({"stop": [], "logit_bias": {}, "text": {}, "reasoning": {}, "tools": []}, {}),
        ({"seed": 0, "top_p": 0.0}, {"seed": 0, "top_p": 0.0}),
        ({"text": {"format": {"type": "text"}}}, {}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        ({"tool_choice": "none", "parallel_tool_calls": True}, {}),
        ({"tools": [TOOL]}, {"tools": [TOOL]}),
        ({"tools": [TOOL], "tool_choice": "none"}, {"tools": [TOOL], "tool_choice": "none"}),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "f"}},
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "f"}},
        ),
        (
            {
                "tools": [OTHER, TOOL],
                "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [TOOL]},
            },
            {"tools": [TOOL], "tool_choice": "required"},
        ),
        ({"top_k": 5, "kwargs": {"a": None}}, {"top_k": 5, "kwargs": {"a": None}}),
    ],
)
def test_a_field_is_sent_only_if_it_means_something(request_: dict[str, Any], fields: dict[str, Any]) -> None:
    assert parameters(request_) == fields


IN_CHATS = {"type": "function", "function": {name: TOOL[name] for name in TOOL if name != "type"}}


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {}),
        ({"tools": [TOOL, IN_CHATS]}, {"tools": [IN_CHATS, IN_CHATS]}),
        ({"tools": [{"type": "web_search"}, 5]}, {"tools": [{"type": "web_search"}, 5]}),
        ({"tool_choice": OTHER}, {"tool_choice": {"type": "function", "function": {"name": "g"}}}),
        ({"tool_choice": "auto", "tools": None}, {"tool_choice": "auto", "tools": None}),
    ],
)
def test_functions_get_the_form_of_chat_completions(fields: dict[str, Any], sent: dict[str, Any]) -> None:
    assert in_chat_form(fields) == sent


def test_tools_and_schemas_have_a_size() -> None:
    tools = json.dumps([TOOL], separators=(",", ":"))
    assert parameter_bytes(parameters({"tools": [TOOL]})) == len(tools)
    schema = {"text": {"format": SCHEMA}}
    assert parameter_bytes(parameters(schema)) > 40
    assert parameter_bytes({"top_p": 1}) == 0
