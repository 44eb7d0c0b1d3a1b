"""The body, the headers and the learned changes of a request."""

from typing import Any

import pytest

from chat.responses.model_catalog import ModelConfig
from workers.providers.changes import Change, Learned
from workers.providers.request import Request, request_body, request_headers

MESSAGES = [{"role": "user", "content": "How deep is it?"}]
ASKED = Request(MESSAGES, 400, 0.5)


def body(request: Request = ASKED, learned: Learned | None = None, **fields: Any) -> dict[str, Any]:
    base_url, room = fields.pop("base_url", "http://gpu/v1"), fields.pop("room", None)
    return request_body(ModelConfig("m", base_url, **fields), "gpt-x", request, learned or Learned(), room)


def test_the_body_has_the_messages_and_the_limits() -> None:
    assert body() == {
        "model": "gpt-x",
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 400,
        "temperature": 0.5,
    }


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"base_url": "https://api.openai.com/v1"}, "max_completion_tokens"),
        ({"base_url": "https://api.openai.com/v1", "limit_field": "max_tokens"}, "max_tokens"),
        ({"base_url": "https://api.openai.com.example.org/v1"}, "max_tokens"),
        ({"limit_field": "max_completion_tokens"}, "max_completion_tokens"),
        ({"without": ("max_tokens",)}, "max_completion_tokens"),
        ({"without": ("max_tokens", "max_completion_tokens")}, None),
        ({"learned": Learned({"max_tokens"})}, "max_completion_tokens"),
        (
            {"learned": Learned({"max_completion_tokens"}), "limit_field": "max_completion_tokens"},
            "max_tokens",
        ),
        ({"room": 0}, None),
        ({"parameters": {"max_completion_tokens": 700}}, "max_completion_tokens"),
        ({"parameters": {"max_tokens": 700, "max_completion_tokens": 500}}, "max_tokens"),
        (
            {"parameters": {"max_tokens": 700}, "learned": Learned({"max_tokens"})},
            "max_completion_tokens",
        ),
    ],
)
def test_the_limit_has_the_name_that_the_server_takes(fields: dict[str, Any], name: str | None) -> None:
    sent = body(**fields)
    found = {field: sent[field] for field in ("max_tokens", "max_completion_tokens") if field in sent}
    assert found == ({name: 400} if name else {})


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"max_output_tokens": 300}, 300),
        ({"max_output_tokens": 500}, 400),
        ({"learned": Learned(limit=350)}, 350),
        ({"room": 100, "learned": Learned(limit=350)}, 100),
        ({"room": 500}, 400),
        ({"parameters": {"max_tokens": 700}}, 400),
        ({"parameters": {"max_tokens": 300}}, 300),
        ({"parameters": {"max_tokens": 300}, "learned": Learned(limit=200)}, 200),
        ({"context": 400}, 400 - 13),
        ({"context": 900}, 400),
        ({"context": 100}, 256),
        ({"learned": Learned(context=400)}, 400 - 13),
        ({"learned": Learned(context=400), "context": 300}, 300 - 13),
    ],
)
def test_the_lowest_limit_is_sent(fields: dict[str, Any], limit: int) -> None:
    assert body(**fields)["max_tokens"] == limit


def test_parameters_of_the_catalog_take_precedence_but_not_over_the_question() -> None:
    more = {"temperature": 1, "top_k": 5, "model": "other", "messages": [], "chat_template_kwargs": {"a": 1}}
    sent = body(parameters=more)
    assert (sent["temperature"], sent["top_k"], sent["chat_template_kwargs"]) == (1, 5, {"a": 1})
    assert (sent["model"], sent["messages"]) == ("gpt-x", MESSAGES)


def test_fields_that_the_server_refuses_are_left_out_but_not_those_that_it_needs() -> None:
    sent = body(without=("stream_options", "model", "messages", "stream"), learned=Learned({"temperature"}))
    assert sent.keys() == {"model", "messages", "stream", "max_tokens"}


TOOL = {"type": "function", "function": {"name": "f"}}
WANTED = {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False, "seed": 7, "top_k": 5}


def test_what_the_client_asked_for_is_sent() -> None:
    assert body(Request(MESSAGES, parameters=WANTED)) == {
        **WANTED,
        "model": "gpt-x",
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_catalog_and_what_a_stream_needs_take_precedence_over_the_client() -> None:
    hostile = {
        "stream": False,
        "messages": [],
        "model": "x",
        "stream_options": {},
        "temperature": 2,
        "seed": 1,
    }
    sent = body(Request(MESSAGES, None, 0.5, hostile), parameters={"seed": 2})
    assert (sent["stream"], sent["messages"], sent["model"]) == (True, MESSAGES, "gpt-x")
    assert (sent["stream_options"], sent["temperature"], sent["seed"]) == ({"include_usage": True}, 0.5, 2)


@pytest.mark.parametrize(("without", "left"), [("seed", 4), ("tools", 2), ("tool_choice", 4), ("top_k", 4)])
def test_refused_fields_of_the_client_are_left_out_and_choices_with_their_tools(
    without: str, left: int
) -> None:
    asked = Request(MESSAGES, parameters=WANTED)
    for sent in (body(asked, without=(without,)), body(asked, Learned({without}))):
        assert len(sent.keys() & WANTED.keys()) == left


def test_tools_take_the_room_of_the_answer() -> None:
    asked = Request(MESSAGES, 400, parameters={"tools": [TOOL]})
    limit = body(asked, context=400)["max_tokens"]
    assert limit < body(context=400)["max_tokens"]
    assert (
        body(context=400, parameters={"tools": [TOOL]})["max_tokens"] == limit
    )  # of the catalog or a program


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({}, "Authorization", "Bearer sk-1"),
        ({"base_url": "https://x.openai.azure.com/openai/v1"}, "api-key", "sk-1"),
        ({"base_url": "https://x.cognitiveservices.azure.com/openai/v1"}, "api-key", "sk-1"),
        ({"base_url": "https://x.azure-api.net/openai/v1"}, "api-key", "sk-1"),
        ({"base_url": "https://azure-api.net.example.org/v1"}, "Authorization", "Bearer sk-1"),
        (
            {"base_url": "https://x.openai.azure.com/v1", "key_header": "Authorization"},
            "Authorization",
            "Bearer sk-1",
        ),
        ({"key_header": "x-api-key"}, "x-api-key", "sk-1"),
        ({"headers": {"authorization": "Basic dXNlcg=="}}, "authorization", "Basic dXNlcg=="),
    ],
)
def test_the_key_is_in_the_header_of_the_server_alone(fields: dict[str, Any], name: str, value: str) -> None:
    model = ModelConfig("m", **{"base_url": "http://gpu/v1", "key_env": "KEY", **fields})
    assert request_headers(model, {"KEY": " sk-1\n"}) == {name: value}


def test_a_server_without_a_key_gets_a_word() -> None:
    model = ModelConfig("m", "http://gpu/v1", key_env="KEY")
    assert (
        request_headers(model, {}) == request_headers(model, {"KEY": ""}) == {"Authorization": "Bearer none"}
    )


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        (Change(drop="stream_options"), 'without = ["stream_options"]'),
        (Change(drop="max_tokens"), 'limit_field = "max_completion_tokens"'),
        (Change(room=0, context=8192), "context = 8192"),
        (Change(limit=4096), "max_output_tokens = 4096"),
    ],
)
def test_a_change_is_learned_once_and_has_a_setting(change: Change, setting: str) -> None:
    learned = Learned()
    assert learned.learn(change)
    assert not learned.learn(change)
    assert learned.setting(change) == setting


def test_a_greater_limit_is_not_learned() -> None:
    learned = Learned(limit=4096)
    assert not learned.learn(Change(limit=8192))
    assert learned.limit == 4096
