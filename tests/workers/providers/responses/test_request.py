"""Chat messages and chat parameters under the names of the Responses API."""

from typing import Any

import pytest

from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig
from workers.providers.changes import Learned
from workers.providers.request import Request
from workers.providers.responses.request import input_items, parameters, response_body

FUNCTION = {"name": "now", "parameters": {"type": "object", "properties": {}}}
SCHEMA = {"name": "place", "schema": {"type": "object"}, "strict": True}


def body(request: Request, *, learned: Learned | None = None, background: bool = True, **fields: Any) -> JSON:
    model = ModelConfig("tested", "https://api.openai.com/v1/responses", api="responses", **fields)
    return response_body(model, "m", request, learned or Learned(), background=background)


def test_the_address_may_be_that_of_the_endpoint() -> None:
    assert ModelConfig("m", "https://api.openai.com/v1/responses").base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("message", "items"),
    [
        ({"role": "system", "content": "be brief"}, [{"role": "system", "content": "be brief"}]),
        ({"role": "assistant", "content": "hello"}, [{"role": "assistant", "content": "hello"}]),
        (
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}],
            },
            [{"role": "assistant", "content": "ab"}],
        ),
        (
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "data:,1", "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "data:,2"}},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:,3"}},
                ],
            },
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "look"},
                        {"type": "input_image", "image_url": "data:,1", "detail": "low"},
                        {"type": "input_image", "image_url": "data:,2", "detail": "auto"},
                        {"type": "input_file", "filename": "a.pdf", "file_data": "data:,3"},
                    ],
                }
            ],
        ),
        (
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}},
                    {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{"}},
                ],
            },
            [
                {"type": "function_call", "call_id": "c1", "name": "now", "arguments": "{}"},
                {"type": "function_call", "call_id": "c2", "name": "now", "arguments": "{"},
            ],
        ),
        (
            {"role": "tool", "tool_call_id": "c1", "content": "noon"},
            [{"type": "function_call_output", "call_id": "c1", "output": "noon"}],
        ),
    ],
)
def test_a_message_becomes_items(message: JSON, items: list[JSON]) -> None:
    assert list(input_items([message])) == items


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        (
            {"reasoning": {"summary": "auto"}, "reasoning_effort": "low"},
            {"reasoning": {"summary": "auto", "effort": "low"}},
        ),
        (
            {
                "verbosity": "low",
                "response_format": {"type": "json_schema", "json_schema": SCHEMA},
            },
            {"text": {"verbosity": "low", "format": {"type": "json_schema", **SCHEMA}}},
        ),
        (
            {"response_format": {"type": "json_object"}},
            {"text": {"format": {"type": "json_object"}}},
        ),
        (
            {"tools": [{"type": "function", "function": FUNCTION}, {"type": "web_search"}]},
            {"tools": [{"type": "function", **FUNCTION}, {"type": "web_search"}]},
        ),
        (
            {"tool_choice": {"type": "function", "function": {"name": "now"}}},
            {"tool_choice": {"type": "function", "name": "now"}},
        ),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"stop": "x", "seed": 1, "max_tokens": 9, "logit_bias": {}}, {}),
        ({"top_p": 0.5, "include": ["reasoning.encrypted_content"]}, None),
    ],
)
def test_parameters_have_the_names_of_the_api(given: JSON, sent: JSON | None) -> None:
    assert parameters(given) == (given if sent is None else sent)


def test_the_lowest_limit_counts() -> None:
    asked = Request([], max_output_tokens=90)
    assert body(asked, max_output_tokens=80)["max_output_tokens"] == 80
    assert body(asked, parameters={"max_output_tokens": 70})["max_output_tokens"] == 70
    assert body(asked, learned=Learned(limit=60))["max_output_tokens"] == 60
    assert "max_output_tokens" not in body(Request([]))


def test_what_the_catalog_leaves_out_is_not_sent() -> None:
    sent = body(Request([], temperature=1.0), without=("temperature", "background", "input", "stream"))
    assert sent == {"stream": True, "store": True, "model": "m", "input": []}


def test_fields_of_the_client_are_translated_and_those_of_the_model_take_precedence() -> None:
    asked = Request([], parameters={"reasoning_effort": "low", "top_p": 0.5, "tool_choice": "auto"})
    sent = body(asked, parameters={"top_p": 0.1})
    assert (sent["reasoning"], sent["top_p"]) == ({"effort": "low"}, 0.1)
    assert "tool_choice" not in sent, "without tools"
