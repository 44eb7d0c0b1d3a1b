"""Requests for completions: each field is passed on, stored, or refused by its own name."""

from typing import Any

import pytest

from chat.api.completions.request import CompletionRequest, completion_request
from chat.protocol.commands import MAX_INPUT_CHARS, OF_PROGRAMS
from chat.protocol.errors import CommandError
from chat.protocol.parameters import in_chat_form, parameters
from chat.protocol.structure import MAX_ITEMS, MAX_PARTS
from tests.sdk.schemas import openai

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
DEFINITION = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
TOOL = {"type": "function", "function": DEFINITION}
OTHER = {"type": "function", "function": {"name": "g"}}
SCHEMA = {"name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"}
# sent on as they are
PASSED: dict[str, Any] = {
    "top_p": 0.5,
    "presence_penalty": -2.0,
    "frequency_penalty": 2,
    "seed": 7,
    "stop": ["a", "b"],
    "logit_bias": {"50256": -100},
    "tools": [TOOL, OTHER],
    "tool_choice": {"type": "function", "function": {"name": "g"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": SCHEMA},
    "reasoning_effort": "high",
    "verbosity": "low",
}
STORED: dict[str, Any] = {
    "service_tier": "flex",
    "safety_identifier": "s",
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "implicit"},
    "prompt_cache_retention": "24h",
    "user": "u",
}
OTHERS: dict[str, Any] = {
    "max_completion_tokens": 5,
    "max_tokens": 5,
    "metadata": {"a": "b"},
    "temperature": 0.5,
    "store": True,
    "stream": True,
    "stream_options": {"include_usage": True, "include_obfuscation": False},
}
# the value that is refused, and one that asks for nothing
REFUSED: dict[str, tuple[Any, Any]] = {
    "audio": ({"voice": "alloy", "format": "wav"}, None),
    "function_call": ("auto", None),
    "functions": ([DEFINITION], None),
    "logprobs": (True, False),
    "modalities": (["text", "audio"], ["text"]),
    "moderation": ({}, None),
    "n": (2, 1),
    "prediction": ({"type": "content", "content": "a"}, None),
    "top_logprobs": (2, 0),
    "web_search_options": ({}, None),
}


def request(**fields: Any) -> CompletionRequest:
    return completion_request(ASKED | fields, OF_PROGRAMS)


def sent_on(**fields: Any) -> dict[str, Any]:
    """The fields of the request to the model's server."""
    return in_chat_form(parameters(request(**fields).command.requested()))


def refusal(**fields: Any) -> tuple[str, str | None]:
    with pytest.raises(CommandError) as caught:
        request(**fields)
    return caught.value.code, caught.value.param


def test_every_field_of_openai_is_known() -> None:
    names = openai().names_of("CreateChatCompletionRequest")
    assert names - {*ASKED, *PASSED, *STORED, *OTHERS, *REFUSED} == set()


def test_the_model_gets_its_fields_unchanged() -> None:
    assert sent_on(**PASSED) == PASSED
    assert sent_on() == {}


@pytest.mark.parametrize("name", STORED)
def test_hints_for_openai_are_stored(name: str) -> None:
    assert request(**STORED).command.requested()[name] == STORED[name]
    assert name not in sent_on(**STORED)


def test_the_other_fields_are_the_command_s() -> None:
    found = request(**OTHERS)
    command = found.command
    assert (command.model, command.max_output_tokens, command.temperature) == ("m", 5, 0.5)
    assert (command.metadata, command.store, command.stream) == ({"a": "b"}, True, True)
    assert found.include_usage
    assert not request(stream_options={}).include_usage


def test_a_completion_is_not_stored_unless_asked() -> None:
    assert request().command.store is False
    assert request(store=None).command.store is False


def test_null_is_as_good_as_absent() -> None:
    names = {*PASSED, *STORED, *OTHERS, *REFUSED}
    assert request(**dict.fromkeys(names)) == request()


@pytest.mark.parametrize("name", REFUSED)
def test_services_that_are_missing_are_refused_by_name(name: str) -> None:
    wanted, nothing = REFUSED[name]
    assert refusal(**{name: wanted}) == ("unsupported_parameter", name)
    assert request(**{name: nothing}).command.items() == request().command.items()


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", {"tool_choice": "none"}),
        ("required", {"tool_choice": "required"}),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [OTHER]}}, {"tools": [OTHER]}),
    ],
)
def test_the_choice_among_tools(choice: Any, expected: dict[str, Any]) -> None:
    assert sent_on(tools=[TOOL, OTHER], tool_choice=choice).items() >= expected.items()


@pytest.mark.parametrize("wanted", [{"type": "json_object"}, {"type": "text"}])
def test_other_formats(wanted: dict[str, Any]) -> None:
    assert sent_on(response_format=wanted).get("response_format", {"type": "text"}) == wanted


def test_one_limit_has_two_names() -> None:
    assert request(max_tokens=7).command.max_output_tokens == 7
    assert request(max_completion_tokens=7).command.max_output_tokens == 7
    assert refusal(max_tokens=7, max_completion_tokens=8) == ("invalid_field", "max_tokens")


def test_the_effort_may_be_in_openrouter_s_object() -> None:
    assert sent_on(reasoning={"effort": "low", "summary": "auto"}) == {"reasoning_effort": "low"}
    assert sent_on(reasoning={"effort": "low"}, reasoning_effort="high") == {"reasoning_effort": "high"}
    assert refusal(reasoning={"effort": "x"}) == ("invalid_field", "reasoning.effort")


def test_a_model_s_own_fields_are_passed_on() -> None:
    found = completion_request(ASKED | {"top_k": 5}, OF_PROGRAMS, own=["top_k"])
    assert parameters(found.command.requested()) == {"top_k": 5}


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
IMAGE = {"type": "image_url", "image_url": {"url": "http://example.org"}}


@pytest.mark.parametrize(
    ("field", "value", "code", "param"),
    [
        ("messages", None, "missing_field", "messages"),
        ("model", None, "missing_field", "model"),
        ("messages", [], "invalid_field", "messages"),
        ("messages", "a", "invalid_field", "messages"),
        ("messages", [ASKED["messages"][0]] * (MAX_ITEMS + 1), "invalid_field", "messages"),
        ("messages", [{"role": "user", "content": [{}] * (MAX_PARTS + 1)}], "invalid_field", "messages"),
        (
            "messages",
            [{"role": "assistant", "tool_calls": [{}] * (MAX_ITEMS + 1)}],
            "invalid_field",
            "messages",
        ),
        ("colour", "red", "unknown_field", "colour"),
        ("input", "a", "unknown_field", "input"),
        ("instructions", "a", "unknown_field", "instructions"),
        ("stream_options", {"x": 1}, "unknown_field", "stream_options.x"),
        ("stream", "yes", "invalid_field", "stream"),
        ("temperature", 3, "invalid_field", "temperature"),
        ("max_tokens", 0, "invalid_field", "max_tokens"),
        ("max_completion_tokens", -1, "invalid_field", "max_completion_tokens"),
        ("stop", ["a"] * 5, "invalid_field", "stop"),
        ("metadata", {"a": 1}, "invalid_field", "metadata.a"),
        ("verbosity", "loud", "invalid_field", "verbosity"),
        ("reasoning_effort", "much", "invalid_field", "reasoning_effort"),
        ("response_format", {"type": "grammar"}, "unsupported_parameter", "response_format.type"),
        (
            "response_format",
            {"type": "json_schema", "json_schema": {"name": "n"}},
            "missing_field",
            "response_format.json_schema.schema",
        ),
        ("response_format", {"type": "json_schema"}, "missing_field", "response_format.json_schema"),
        ("tools", [TOOL, {"type": "custom"}], "unsupported_parameter", "tools[1].type"),
        ("tools", [{"type": "function", "function": {}}], "missing_field", "tools[0].function.name"),
        ("tools", [{"type": "function"}], "missing_field", "tools[0].function"),
        ("tool_choice", "required", "invalid_field", "tool_choice"),
        ("tool_choice", {"type": "custom"}, "unsupported_parameter", "tool_choice.type"),
    ],
)
def test_a_refusal_has_the_path_of_the_field(field: str, value: Any, code: str, param: str) -> None:
    assert refusal(**{field: value}) == (code, param)


@pytest.mark.parametrize(
    ("message", "code", "path"),
    [
        ({"content": "a"}, "missing_field", "role"),
        ({"role": "function", "content": "a"}, "unsupported_parameter", "role"),
        ({"role": "king", "content": "a"}, "invalid_field", "role"),
        ({"role": "user"}, "missing_field", "content"),
        ({"role": "user", "content": 1}, "invalid_field", "content"),
        ({"role": "user", "content": "\0"}, "invalid_field", "content"),
        ({"role": "assistant", "content": None}, "missing_field", "content"),
        ({"role": "tool", "content": "a"}, "missing_field", "tool_call_id"),
        ({"role": "user", "content": "a", "tool_calls": [CALL]}, "invalid_field", "tool_calls"),
        (
            {"role": "assistant", "function_call": {"name": "f"}, "content": "a"},
            "unsupported_parameter",
            "function_call",
        ),
        (
            {"role": "assistant", "tool_calls": [CALL | {"type": "custom"}]},
            "unsupported_parameter",
            "tool_calls[0].type",
        ),
        (
            {"role": "assistant", "tool_calls": [CALL | {"function": {"name": "f"}}]},
            "missing_field",
            "tool_calls[0].function.arguments",
        ),
        ({"role": "user", "content": [IMAGE]}, "invalid_field", "content[0].image_url.url"),
        ({"role": "user", "content": [IMAGE | {"image_url": "x"}]}, "invalid_field", "content[0].image_url"),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "unsupported_parameter", "content[0].type"),
        ({"role": "user", "content": [{"text": "a"}]}, "missing_field", "content[0].type"),
        (
            {"role": "user", "content": [{"type": "file", "file": {}}]},
            "missing_field",
            "content[0].file.file_data",
        ),
    ],
)
def test_a_refusal_has_the_path_inside_the_messages(message: dict[str, Any], code: str, path: str) -> None:
    assert refusal(messages=[ASKED["messages"][0], message]) == (code, f"messages[1].{path}")


def test_bounds_of_the_whole_have_the_name_of_the_client_s_field() -> None:
    assert refusal(messages=[{"role": "user", "content": " "}]) == ("empty_input", "messages")
    long = [{"role": "user", "content": "a" * MAX_INPUT_CHARS}] * 2
    assert refusal(messages=long) == ("input_too_long", "messages")
    large = {"type": "json_schema", "json_schema": SCHEMA | {"description": "a" * 300_000}}
    assert refusal(response_format=large) == ("settings_too_long", "response_format")


def test_a_later_refusal_gets_the_client_s_path_too() -> None:
    results = {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "a"}]}
    calling = {"role": "assistant", "tool_calls": [CALL], "content": "a"}
    paths = request(messages=[calling, results, ASKED["messages"][0]]).paths
    for param, expected in {
        "model": "model",
        "input": "messages",
        "input[0].content[0].image_url": "messages[0].content[0].image_url.url",
        "input[2].output[0].file_data": "messages[1].content[0].file.file_data",
        "input[3].content[1].file_id": "messages[2].content[1].file.file_id",
        "input[3]": "messages[2]",
    }.items():
        assert paths.refused(CommandError("invalid_field", param)).param == expected
    assert paths.refused(CommandError("busy")) == CommandError("busy")
