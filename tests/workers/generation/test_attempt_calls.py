"""Attempts whose answers have calls of functions: each runs once, and a bad one concerns its own answer."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import pytest
from pydantic import TypeAdapter

from chat.protocol.events import JSON, CallDone
from chat.protocol.inputs import MAX_ID_CHARS, MAX_NAME_CHARS, Items
from chat.protocol.pieces import CallPart
from chat.responses.model_catalog import ModelConfig
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.provider_runs import ProviderRuns
from tests.harness.writer import Writer
from tests.workers.gateway import gateway, reply
from tests.workers.logs import appended, begun, ends, events
from tests.workers.providers.dialects.base import EVENTS, delta
from tests.workers.providers.dialects.base import events as stream
from tests.workers.providers.dialects.calls import part, parts
from tests.workers.targets import assign, error_code, final
from workers.generation.attempt import Outcome
from workers.generation.attempts import Attempts
from workers.providers.tool_calls import MAX_CALLS, CallReader

Api = Literal["chat", "responses"]


def body(*payloads: Any) -> bytes:
    return reply(200, stream(*payloads), **{"Content-Type": EVENTS})


def calls(outcome: Outcome) -> list[tuple[Any, Any, Any]]:
    """The calls of the final object."""
    items: Any = final(outcome)["output"]
    return [(item["name"], item["arguments"], item["status"]) for item in items if "arguments" in item]


async def closed(log: Log, response_id: str) -> list[str]:
    """The names of the calls that a reader of the log runs."""
    found = await events(log, response_id)
    return [event.name for event in found if isinstance(event, CallDone)]


async def test_a_call_whose_name_comes_after_another_call_is_run_once_like_the_other(
    log: Log, attempts: Attempts
) -> None:
    answer = body(
        parts(part(0, '{"x":1}', id="c0")),
        parts(part(1, "{}", "pay", "c1")),
        parts(part(0, name="look")),
        delta(finish="tool_calls"),
    )
    async with gateway(answer) as server:
        asked = assign(ModelConfig("m", server.base_url, upstream_model="u"))
        outcome = await attempts.run(asked)
    assert calls(outcome) == [("pay", "{}", "completed"), ("look", '{"x":1}', "completed")]
    assert await closed(log, asked.id) == ["pay", "look"]


async def test_calls_without_names_fail_their_answer(log: Log, attempts: Attempts) -> None:
    nameless = [parts(part(index, "{", id=f"c{index}")) for index in range(MAX_CALLS - 1)]
    answer = body(*nameless, parts(part(MAX_CALLS, "{}", "pay", "c")), delta(finish="tool_calls"))
    async with gateway(answer) as server:
        asked = assign(ModelConfig("m", server.base_url, upstream_model="u"))
        outcome = await attempts.run(asked)
    assert error_code(outcome) == "upstream_malformed"
    assert calls(outcome) == [("pay", "{}", "incomplete")]
    assert await closed(log, asked.id) == []


async def test_an_answer_that_cannot_be_published_fails_alone(
    log: Log, attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_a_call_that_never_began(_: CallReader, given: Iterable[JSON]) -> Iterator[CallPart]:
        yield CallPart(7, arguments="{}")

    monkeypatch.setattr(CallReader, "read", of_a_call_that_never_began)
    bad = body(delta("before "), parts(part(0, "{}", "f", "c")), delta("after", "stop"))
    good = body(*(delta(f"{number} ") for number in range(50)), delta(finish="stop"))
    async with gateway(bad) as first, gateway(good) as second:
        broken = assign(ModelConfig("bad", first.base_url, upstream_model="u"))
        whole = [assign(ModelConfig(f"m{n}", second.base_url, upstream_model="u")) for n in range(3)]
        outcome, *others = await asyncio.gather(*map(attempts.run, [broken, *whole]))
    assert error_code(outcome) == "worker_error"
    assert len(await ends(log, broken.id)) == 1
    for asked, other in zip(whole, others, strict=True):
        assert final(other)["status"] == "completed"
        assert len(await ends(log, asked.id)) == 1


async def test_calls_alone_are_an_answer_after_a_takeover(log: Log, attempts: Attempts) -> None:
    """The lost worker wrote the whole call; the end of its run is all that is new."""
    state = await begun(log)
    await appended(log, Writer(state).add_parts(CallPart(0, "pay", "c1", "{}")), state.id)
    await ProviderRuns(redis_client.client()).remember(state.id, 1, "m", "resp_1")
    item = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "pay", "arguments": "{}"}
    run: JSON = {"object": "response", "id": "resp_1", "background": True, "status": "in_progress"}
    end = {"type": "response.completed", "response": {**run, "status": "completed", "output": [item]}}
    async with gateway(reply(200, run), body({"type": "response.created", "response": run}, end)) as server:
        model = ModelConfig("m", server.base_url, upstream_model="u", api="responses")
        outcome = await attempts.run(assign(model, state.base, attempt=2))
    assert calls(outcome) == [("pay", "{}", "completed")]
    assert await closed(log, state.id) == ["pay"]


@pytest.mark.parametrize("chars", [MAX_ID_CHARS, MAX_ID_CHARS + 1, 949, 4096])
@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_client_can_send_back_every_call_with_its_result(
    attempts: Attempts, chars: int, api: Api
) -> None:
    """LiteLLM puts Gemini's thought signature into the id: 949 characters, and more."""
    item = {"type": "function_call", "id": "fc", "call_id": "c" * chars, "name": "f", "arguments": "{}"}
    end = {"type": "response.completed", "response": {"status": "completed", "output": [item]}}
    answers = {
        "chat": body(parts(part(0, "{}", "f", "c" * chars)), delta(finish="tool_calls")),
        "responses": body(end),
    }
    async with gateway(answers[api]) as server:
        model = ModelConfig("m", server.base_url, upstream_model="u", api=api)
        outcome = await attempts.run(assign(model))
    call: Any = final(outcome)["output"][0]
    assert call["status"] == "completed"
    assert (call["call_id"] == "c" * chars) == (chars <= MAX_ID_CHARS)
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "done"}
    assert len(TypeAdapter(Items).validate_python([call, result])) == 2


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.slow
async def test_a_name_that_no_client_can_send_back_is_malformed(attempts: Attempts, api: Api) -> None:
    name = "f" * (MAX_NAME_CHARS + 1)
    item = {"type": "function_call", "id": "fc", "call_id": "c", "name": name, "arguments": "{}"}
    end = {"type": "response.completed", "response": {"status": "completed", "output": [item]}}
    answers = {
        "chat": body(parts(part(0, "{}", name, "c")), delta(finish="tool_calls")),
        "responses": body(end),
    }
    async with gateway(answers[api]) as server:
        model = ModelConfig("m", server.base_url, upstream_model="u", api=api)
        outcome = await attempts.run(assign(model))
    assert error_code(outcome) == "upstream_malformed"
