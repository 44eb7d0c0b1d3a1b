"""The provider against servers that refuse: it asks again with a change, or fails with a code."""

import asyncio
import logging
import traceback
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from chat.responses.model_catalog import Deadlines, ModelConfig
from project.up import ports
from tests.harness.upstream import Upstream, text_of
from tests.harness.waiting import deadline
from tests.workers.gateway import ANSWER, Gateway, gateway, reply
from tests.workers.targets import KEY_ENV, requests, target
from workers.providers.base import Chunk, ProviderError
from workers.providers.exchange import connection
from workers.providers.exchange.asking import MAX_CHANGES
from workers.providers.openai_compatible import Provider
from workers.providers.request import Request

ASKED = Request([{"role": "user", "content": "a secret question"}], 16384, 0.5)
PLAIN = Request(ASKED.messages)
PAGE = b"<!doctype html><title>Welcome</title>"


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "workers.providers")


def model_of(server: Gateway, **fields: Any) -> ModelConfig:
    base_url = server.base_url
    return ModelConfig("tested", base_url, **{"key_env": KEY_ENV, "upstream_model": "gpt-x", **fields})


async def answered(provider: Provider, model: ModelConfig, request: Request = ASKED) -> str:
    async with asyncio.timeout(deadline()):
        return "".join([chunk.text async for chunk in provider.stream(model, request)])


async def failed(provider: Provider, model: ModelConfig, request: Request = ASKED) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await answered(provider, model, request)
    return raised.value


def refused(message: str, code: str | None = None) -> bytes:
    return reply(400, {"error": {"message": message, "type": "invalid_request_error", "code": code}})


# fields


@pytest.mark.parametrize("name", ["stream_options", "temperature", "max_tokens"])
async def test_a_refused_field_is_learned_once(
    provider: Provider, upstream: Upstream, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    model = target(upstream, f"refuse-{name.replace('_', '-')}")
    assert [await answered(provider, model) for _ in range(2)] == [text_of("fast")] * 2
    sent = [name in record.body for record in await requests(upstream, model)]
    assert sent == [True, False, False]
    setting = 'limit_field = "max_completion_tokens"' if name == "max_tokens" else f'without = ["{name}"]'
    assert caplog.text.count(setting) == 1
    assert [record.levelname for record in caplog.records if setting in record.message] == ["WARNING"]
    assert "secret" not in caplog.text


async def test_a_refused_limit_is_sent_by_its_other_name(provider: Provider, upstream: Upstream) -> None:
    model = target(upstream, "refuse-max-tokens")
    await answered(provider, model)
    _, record = await requests(upstream, model)
    assert record.body["max_completion_tokens"] == 16384
    assert "max_tokens" not in record.body


@pytest.mark.parametrize("left_out", [(), ("max_tokens",)])
async def test_the_bound_of_a_server_that_refuses_both_names_does_not_vanish(
    provider: Provider, left_out: tuple[str, ...]
) -> None:
    old, new = (
        refused(f"Unsupported parameter: '{name}'") for name in ("max_tokens", "max_completion_tokens")
    )
    refusals = [new] if left_out else [old, new]
    async with gateway(*refusals, ANSWER) as server:
        model = model_of(server, without=left_out)
        assert await failed(provider, model) == ProviderError("upstream_rejected", permanent=True)
        assert provider.learned[model.name].without == set()
        assert await answered(provider, model) == "fine"
    assert all(asked.body.keys() & {"max_tokens", "max_completion_tokens"} for asked in server.asked)


async def test_a_refused_value_is_left_out_of_this_request_alone(provider: Provider) -> None:
    async with gateway(refused("temperature must be at most 0.4"), ANSWER) as server:
        model = model_of(server)
        assert [await answered(provider, model) for _ in range(2)] == ["fine", "fine"]
    assert ["temperature" in asked.body for asked in server.asked] == [True, False, True]


async def test_a_limit_for_this_prompt_is_not_learned(provider: Provider) -> None:
    async with gateway(refused("max_tokens can not exceed 900 for this prompt"), ANSWER) as server:
        model = model_of(server)
        assert [await answered(provider, model) for _ in range(2)] == ["fine", "fine"]
    assert [asked.body["max_tokens"] for asked in server.asked] == [16384, 900, 16384]


async def test_a_field_of_the_operator_is_not_lost_by_an_error(provider: Provider) -> None:
    async with gateway(refused("Unknown error of a provider: unsupported provider"), ANSWER) as server:
        model = model_of(server, parameters={"provider": {"order": ["x"]}})
        assert (await failed(provider, model)).code == "upstream_rejected"
        assert await answered(provider, model) == "fine"
    assert server.asked[-1].body["provider"] == {"order": ["x"]}


@pytest.mark.parametrize("status", [400, 403])
async def test_a_filtered_prompt_ends_the_answer(provider: Provider, status: int) -> None:
    body = {"error": {"message": "The prompt was filtered", "code": "content_filter"}}
    async with gateway(reply(status, body)) as server:
        chunks = [chunk async for chunk in provider.stream(model_of(server), ASKED)]
    assert chunks == [Chunk(finish="content_filter")]


async def test_requests_at_once_learn_the_same_once(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = refused("Unknown parameter: 'stream_options'.")
    async with gateway(refusal, refusal, ANSWER, together=2) as server:
        model = model_of(server)
        assert await asyncio.gather(*(answered(provider, model) for _ in range(2))) == ["fine", "fine"]
    assert len(server.asked) == 4
    assert caplog.text.count('without = ["stream_options"]') == 1


async def test_each_model_of_a_server_learns_apart(provider: Provider, upstream: Upstream) -> None:
    first = target(upstream, "refuse-temperature")
    second = replace(target(upstream, "fast"), name="another")
    await answered(provider, first)
    await answered(provider, second)
    (record,) = await requests(upstream, second)
    assert record.body["temperature"] == 0.5


@pytest.mark.parametrize("name", ["model", "messages", "stream"])
async def test_a_field_that_is_needed_is_not_left_out(provider: Provider, name: str) -> None:
    async with gateway(refused(f"Unsupported parameter: '{name}'")) as server:
        assert await failed(provider, model_of(server)) == ProviderError("upstream_rejected", permanent=True)
    assert len(server.asked) == 1


async def test_a_server_that_refuses_everything_is_left(provider: Provider) -> None:
    names = [f"field_{number}" for number in range(2 * MAX_CHANGES)]
    async with gateway(*(refused(f"Unknown parameter: '{name}'.") for name in names)) as server:
        error = await failed(provider, model_of(server, parameters=dict.fromkeys(names, 1)))
    assert (error.code, len(server.asked)) == ("upstream_rejected", MAX_CHANGES)


# limit and context


async def test_the_greatest_limit_is_learned(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    message = "max_tokens is too large: 16384. This model supports at most 4096 completion tokens."
    async with gateway(refused(message), ANSWER) as server:
        model = model_of(server)
        assert [await answered(provider, model) for _ in range(2)] == ["fine", "fine"]
    assert [asked.body["max_tokens"] for asked in server.asked] == [16384, 4096, 4096]
    assert caplog.text.count("max_output_tokens = 4096") == 1


async def test_the_context_is_learned(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    message = (
        "This model's maximum context length is 8192 tokens. However, you requested 17288 tokens (904 in the "
        "messages, 16384 in the completion)."
    )
    async with gateway(refused(message), ANSWER) as server:
        model = model_of(server)
        assert [await answered(provider, model) for _ in range(2)] == ["fine", "fine"]
    assert [asked.body["max_tokens"] for asked in server.asked] == [16384, 7288, 8192 - 14]
    assert caplog.text.count("learned from a refusal: context = 8192") == 1


async def test_without_numbers_the_limit_is_left_out_for_this_request(provider: Provider) -> None:
    message = "max_tokens=16384 cannot be greater than max_model_len=8192."
    async with gateway(refused(message), ANSWER) as server:
        assert await answered(provider, model_of(server)) == "fine"
    assert "max_tokens" not in server.asked[1].body


async def test_a_server_that_refuses_the_rest_of_its_context_is_full(provider: Provider) -> None:
    message = "maximum context length is 8192 tokens. However, you requested 17288 tokens"
    async with gateway(refused(message)) as server:
        error = await failed(provider, model_of(server))
    assert error == ProviderError("context_length_exceeded", permanent=True)
    assert [asked.body["max_tokens"] for asked in server.asked] == [16384, 7288]


async def test_of_an_error_without_end_only_the_beginning_is_read(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REFUSAL_SECS", 10 * deadline())

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad\r\nContent-Length: 99999999999\r\n\r\ninsufficient_quota ")
        with suppress(OSError):
            while not writer.is_closing():
                writer.write(b"x" * 65536)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, ports.HOST) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failed(provider, model_of(Gateway(f"http://{ports.HOST}:{port}/v1")))
    assert error.code == "upstream_no_credit"


async def test_a_full_context_is_not_retried(provider: Provider) -> None:
    async with gateway(refused("too long", "context_length_exceeded")) as server:
        error = await failed(provider, model_of(server))
    assert error == ProviderError("context_length_exceeded", permanent=True)
    assert len(server.asked) == 1


# codes


async def test_no_credit_is_not_waited_for(provider: Provider) -> None:
    body = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    async with gateway(reply(429, body, **{"Retry-After": "1"})) as server:
        assert await failed(provider, model_of(server)) == ProviderError("upstream_no_credit", permanent=True)


async def test_the_wait_of_geminis_quota_is_in_its_body(provider: Provider) -> None:
    details = [{"retryDelay": "3s"}]
    body = [{"error": {"code": 429, "message": "You exceeded your current quota", "details": details}}]
    async with gateway(reply(429, body)) as server:
        error = await failed(provider, model_of(server))
    assert error == ProviderError("rate_limit_exceeded", permanent=True, retry_after=3)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(
    provider: Provider, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    async with gateway(ANSWER) as other, gateway(reply(status, Location=f"{other.base_url}/x")) as server:
        error = await failed(provider, model_of(server))
        listed = await failed(provider, model_of(server, upstream_model=""))
    assert error == listed == ProviderError("upstream_wrong_address", permanent=True)
    assert other.asked == []
    assert f"HTTP {status}: there is no model's server at {server.base_url}/chat/completions" in caplog.text


@pytest.mark.parametrize("location", ["", "http://[", "::", "javascript:1"])
async def test_a_redirect_to_nowhere_is_a_wrong_address(provider: Provider, location: str) -> None:
    async with gateway(reply(302, Location=location)) as server:
        assert (await failed(provider, model_of(server))).code == "upstream_wrong_address"


async def test_a_base_url_without_its_version_is_named(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway(reply(404, PAGE), path="") as server:
        model = model_of(server, query={"key": "secret"})
        assert (await failed(provider, model)).code == "upstream_wrong_address"
    assert f"at {server.base_url}/chat/completions; did you mean {server.base_url}/v1?" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("wanted", [False, True])
async def test_the_words_of_a_refusal_are_logged_only_if_wanted(
    provider: Provider, caplog: pytest.LogCaptureFixture, settings: Settings, wanted: bool
) -> None:
    settings.TAILRACE_LOG_UPSTREAM_ERRORS = wanted
    async with gateway(reply(400, b"their words\n" + b"x" * 600)) as server:
        await failed(provider, model_of(server))
    assert caplog.text.count("their words") == wanted
    assert (r"HTTP 400 from its server: 'their words\nxxx" in caplog.text) is wanted
    assert "x" * 490 not in caplog.text


# address, key and headers


async def test_headers_and_query_of_the_catalog_are_sent(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM", "blue team\n")
    async with gateway(ANSWER) as server:
        fields = {"headers": {"X-Team": "$TEAM", "X-Plain": "1"}, "query": {"api-version": "2024-10-21"}}
        await answered(provider, model_of(server, **fields))
    (asked,) = server.asked
    assert asked.target == "/v1/chat/completions?api-version=2024-10-21"
    assert (asked.headers["x-team"], asked.headers["x-plain"]) == ("blue team", "1")


async def test_the_key_is_sent_in_the_header_of_the_catalog_alone(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_ENV, "\tsk-abc\n")
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    async with gateway(ANSWER) as server:
        await answered(provider, model_of(server, key_header="api-key"))
        await answered(provider, model_of(server))
    first, second = (asked.headers for asked in server.asked)
    assert first["api-key"] == "sk-abc"
    assert "authorization" not in first
    assert second["authorization"] == "Bearer sk-abc"


@pytest.mark.parametrize("key", ["sk-abc\nsk-def", "sk-…"])
async def test_an_unusable_key_is_named_and_not_shown(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    monkeypatch.setenv(KEY_ENV, key)
    async with gateway(ANSWER) as server:
        error = await failed(provider, model_of(server))
    assert error == ProviderError("upstream_unauthorized", permanent=True)
    assert server.asked == []
    assert KEY_ENV in caplog.text
    assert "sk-" not in caplog.text


# the first model


async def test_the_first_model_that_can_chat_is_taken(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    listed = reply(200, {"data": [{"id": "text-embedding-3-large"}, {"id": "gpt-x"}]})
    async with gateway(listed, ANSWER) as server:
        model = replace(model_of(server), upstream_model="")
        assert [await answered(provider, model) for _ in range(2)] == ["fine", "fine"]
    assert [asked.method for asked in server.asked] == ["GET", "POST", "POST"]
    assert server.asked[1].body["model"] == "gpt-x"
    assert caplog.text.count("'gpt-x'") == 1


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        (reply(200, {"data": [{"id": "text-embedding-3-large"}]}), "upstream_not_found"),
        (reply(200, {"data": []}), "upstream_not_found"),
        (reply(200, b"5"), "upstream_not_found"),
        (reply(200, PAGE), "upstream_malformed"),
        (reply(200, b"[" * 100_000), "upstream_malformed"),
        (reply(401), "upstream_unauthorized"),
        (reply(404), "upstream_wrong_address"),
        (reply(500), "upstream_error"),
    ],
)
async def test_a_server_without_a_list_of_models_has_a_code(
    provider: Provider, listed: bytes, code: str
) -> None:
    async with gateway(listed) as server:
        assert (await failed(provider, model_of(server, upstream_model=""))).code == code


async def test_a_server_that_does_not_send_its_list_is_left(provider: Provider) -> None:
    deadlines = Deadlines(connect=0.2)
    async with gateway(ANSWER, together=2) as server:
        error = await failed(provider, model_of(server, upstream_model="", deadlines=deadlines))
    assert error == ProviderError("timeout_connect")


async def test_a_model_that_was_unloaded_is_looked_up_again(provider: Provider) -> None:
    gone = reply(404, {"error": {"message": "The model `one` does not exist", "code": "model_not_found"}})
    first, second = (reply(200, {"data": [{"id": name}]}) for name in ("one", "two"))
    async with gateway(first, gone, second, ANSWER) as server:
        model = model_of(server, upstream_model="")
        assert (await failed(provider, model)).code == "upstream_not_found"
        assert provider.learned == {}
        assert await answered(provider, model) == "fine"
    assert server.asked[-1].body["model"] == "two"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX Bad: CANARY\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"CANARY" * 2000 + b"\r\n\r\n",
        b"ICY 200 CANARY\r\n\r\n",
        b"SSH-2.0-CANARY\r\n",
    ],
    ids=["header", "long header", "icy", "ssh"],
)
async def test_a_reply_that_is_no_http_has_a_code_and_quotes_nothing(provider: Provider, head: bytes) -> None:
    async with gateway(head) as server:
        error = await failed(provider, model_of(server, query={"key": "hush"}))
    assert error.code in ("upstream_malformed", "upstream_unreachable", "upstream_cut")
    text = "".join(traceback.format_exception(error))
    assert "CANARY" not in text
    assert "hush" not in text
