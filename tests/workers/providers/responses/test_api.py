"""The Responses API against a real server: parts, failures, runs that outlive their connection."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chat.protocol.pieces import CallPart, ItemPart, Part, Piece, joined
from chat.responses.model_catalog import ModelConfig
from project.up import ports
from tests.harness.upstream import Record, Upstream, text_of
from tests.harness.waiting import LEAST_SECS, await_until, deadline
from tests.workers.gateway import gateway, reply
from tests.workers.providers.dialects.base import EVENTS
from tests.workers.providers.dialects.base import events as stream
from tests.workers.targets import AFTER_5, KEY_ENV, requests, target
from workers.providers.base import Chunk, ProviderError
from workers.providers.openai_compatible import Provider
from workers.providers.request import Request
from workers.providers.responses import api as responses_api
from workers.providers.responses.api import Background

ASKED = Request([{"role": "user", "content": "say something now"}])
ARGUMENTS = '{"place": "Thun"}'
UNKNOWN = "resp_0123456789abcdef"


@dataclass
class Answer:
    """The answer of one attempt. `runs`: the ids that were to be stored."""

    parts: list[Part] = field(default_factory=list)
    finish: str | None = None
    usage: Any = None
    error: ProviderError | None = None
    runs: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Piece) and part.kind == "text")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses_api, "ATTACH_SECS", (0.02,))
    monkeypatch.setattr(responses_api, "POLL_SECS", 0.05)


def model_of(upstream: Upstream, behaviour: str, **fields: Any) -> ModelConfig:
    return replace(target(upstream, behaviour), api="responses", **fields)


async def answer(
    provider: Provider,
    model: ModelConfig,
    request: Request = ASKED,
    *,
    run: str = "",
    known: tuple[Part, ...] = (),
    background: bool = True,
) -> Answer:
    """Ask, or continue a run, to the end."""
    got = Answer()

    async def remember(run: str) -> None:
        assert not got.parts, "a part was yielded before its run was stored"
        got.runs.append(run)

    kept = Background(remember, run, known) if background else None
    try:
        async with asyncio.timeout(deadline()):
            async for chunk in provider.stream(model, request, kept):
                got.parts += chunk.parts
                got.finish, got.usage = chunk.finish or got.finish, chunk.usage or got.usage
    except ProviderError as error:
        got.error = error
    got.parts = list(joined(got.parts))
    return got


async def kinds(upstream: Upstream, model: ModelConfig) -> list[str]:
    return [record.kind for record in await requests(upstream, model)]


async def created(upstream: Upstream, model: ModelConfig) -> Record:
    """The only request for an answer."""
    (record,) = [each for each in await requests(upstream, model) if each.kind == "create"]
    return record


# parts and usage


@pytest.mark.parametrize("background", [False, True])
async def test_text_finish_and_usage_are_those_of_the_server(
    provider: Provider, upstream: Upstream, background: bool
) -> None:
    got = await answer(provider, model_of(upstream, "words-50"), background=background)
    assert (got.parts, got.finish, got.error) == ([Piece("text", text_of("words-50"))], "stop", None)
    assert got.usage["total_tokens"] == 53
    assert len(got.runs) == background


async def test_a_reasoning_summary_is_reasoning(provider: Provider, upstream: Upstream) -> None:
    got = await answer(provider, model_of(upstream, "reasoning-3+words-2"))
    assert got.parts == [Piece("reasoning", "r0 r1 r2"), Piece("text", "w0 w1")]
    assert got.usage["output_tokens_details"] == {"reasoning_tokens": 3}


async def test_calls_are_parts_with_their_arguments(provider: Provider, upstream: Upstream) -> None:
    model = model_of(upstream, "words-2+call-2")
    got, run = await answer(provider, model), (await created(upstream, model)).id
    assert got.parts == [
        Piece("text", "w0 w1"),
        CallPart(0, "tool0", f"call_fc_{run}_1", ARGUMENTS),
        CallPart(1, "tool1", f"call_fc_{run}_2", ARGUMENTS),
    ]
    assert got.finish == "stop"


async def test_a_refusal_is_no_text(provider: Provider, upstream: Upstream) -> None:
    got = await answer(provider, model_of(upstream, "refuse+words-3"))
    assert got.parts == [Piece("refusal", "w0 w1 w2")]


async def test_a_search_of_the_server_is_an_item_that_begins_and_is_done(
    provider: Provider, upstream: Upstream
) -> None:
    got = await answer(provider, model_of(upstream, "search+words-3"))
    *search, text = got.parts
    assert (text, got.finish) == (Piece("text", "w0 w1 w2"), "stop")
    items = [part for part in search if isinstance(part, ItemPart)]
    action = {"type": "search", "query": "the weather"}
    assert [(part.index, part.done, part.body["status"]) for part in items] == [
        (0, False, "in_progress"),
        (0, True, "completed"),
    ]
    assert {part.body["type"] for part in items} == {"web_search_call"}
    assert all(part.body["action"] == action for part in items)


async def test_an_answer_at_its_limit_finishes_with_length(provider: Provider, upstream: Upstream) -> None:
    assert (await answer(provider, model_of(upstream, "length-7"))).finish == "length"


@pytest.mark.parametrize(("mebibytes", "code"), [(2, None), (9, "upstream_malformed")])
@pytest.mark.parametrize("background", [False, True])
async def test_the_last_event_may_be_as_long_as_a_response_object(
    provider: Provider, mebibytes: int, code: str | None, background: bool
) -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "e" * mebibytes * 1024 * 1024}
    run = {"object": "response", "id": "resp_1", "status": "in_progress", "background": background}
    body = stream(
        {"type": "response.created", "response": run},
        {"type": "response.output_text.delta", "output_index": 1, "delta": "said"},
        {"type": "response.completed", "response": {**run, "status": "completed", "output": [thought]}},
        done=None,
    )
    async with gateway(reply(200, body, **{"Content-Type": EVENTS})) as server:
        model = ModelConfig("m", server.base_url, api="responses", upstream_model="m")
        got = await answer(provider, model, background=background)
    assert got.parts == [Piece("text", "said")]
    assert (got.finish, got.error and got.error.code) == (None if code else "stop", code)


# the request


async def test_a_run_is_stored_in_background_unless_the_parameters_say_otherwise(
    provider: Provider, upstream: Upstream
) -> None:
    for parameters, background, store in (
        ({}, True, True),
        ({"background": False}, False, True),
        ({"store": False}, None, False),
    ):
        model = model_of(upstream, "fast", parameters=parameters)
        got, body = await answer(provider, model), (await created(upstream, model)).body
        assert (body.get("background"), body["store"]) == (background, store)
        assert len(got.runs) == (background is True)


async def test_an_answer_without_background_is_not_stored(provider: Provider, upstream: Upstream) -> None:
    model = model_of(upstream, "fast", parameters={"store": True, "background": True})
    await answer(provider, model, background=False)
    body = (await created(upstream, model)).body
    assert (body["store"], "background" in body) == (False, False)


async def test_the_limit_has_the_name_of_the_responses_api(provider: Provider, upstream: Upstream) -> None:
    model = model_of(upstream, "fast")
    await answer(provider, model, replace(ASKED, max_output_tokens=40, temperature=0.5))
    body = (await created(upstream, model)).body
    assert (body["max_output_tokens"], body["temperature"]) == (40, 0.5)
    assert not body.keys() & {"max_tokens", "messages", "stream_options"}
    assert body["input"] == ASKED.messages


async def test_a_refused_field_is_left_out(provider: Provider, upstream: Upstream) -> None:
    model = model_of(upstream, "refuse-background")
    got = await answer(provider, model)
    assert (got.text, got.runs) == (text_of("fast"), [])
    assert provider.learned[model.name].without == {"background"}


async def test_the_bound_of_a_server_that_refuses_the_limit_does_not_vanish(
    provider: Provider, upstream: Upstream
) -> None:
    model = model_of(upstream, "refuse-max-output-tokens", max_output_tokens=100)
    got = await answer(provider, model)
    assert got.error == ProviderError("upstream_rejected", permanent=True)
    assert provider.learned[model.name].without == set()


async def test_leaving_an_answer_without_background_closes_the_connection(
    provider: Provider, upstream: Upstream
) -> None:
    model = model_of(upstream, "words-1000@20")
    async with aclosing(provider.stream(model, ASKED)) as chunks:
        await anext(chunks)

    async def is_left() -> bool:
        return (await created(upstream, model)).aborted

    await await_until(is_left, LEAST_SECS, "the server sees its client leave")


# failures


@pytest.mark.parametrize(
    ("behaviour", "code", "permanent"),
    [
        ("status-401", "upstream_unauthorized", True),
        ("status-404", "upstream_wrong_address", True),
        ("status-500", "upstream_error", False),
        ("html", "upstream_wrong_address", True),
        ("no-credit-429", "upstream_no_credit", True),
        ("too-long-openai", "context_length_exceeded", True),
    ],
)
async def test_a_refused_request_has_a_code(
    provider: Provider, upstream: Upstream, behaviour: str, code: str, permanent: bool
) -> None:
    got = await answer(provider, model_of(upstream, behaviour))
    assert (got.parts, got.error) == ([], ProviderError(code, permanent=permanent))


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ("cut-after-5", "upstream_cut"),
        ("drop-after-5", "upstream_cut"),
        ("reset-after-5", "upstream_cut"),
        ("bad-json-after-5", "upstream_malformed"),
        ("bad-utf8-after-5", "upstream_malformed"),
        ("error-in-stream-after-5", "upstream_error"),
        ("failed-after-5", "upstream_error"),
    ],
)
async def test_an_answer_that_breaks_off_has_a_code_and_the_text_before(
    provider: Provider, upstream: Upstream, behaviour: str, code: str
) -> None:
    got = await answer(provider, model_of(upstream, behaviour), background=False)
    assert (got.text, got.error) == (AFTER_5, ProviderError(code))


async def test_a_malformed_run_is_not_asked_again(provider: Provider, upstream: Upstream) -> None:
    got = await answer(provider, model_of(upstream, "bad-json-after-0"))
    assert got.error == ProviderError("upstream_malformed", permanent=True)


# runs


@pytest.mark.parametrize("fault", ["cut", "drop", "reset"])
@pytest.mark.parametrize("after", [0, 5])
@pytest.mark.slow
async def test_a_run_goes_on_over_a_lost_connection(
    provider: Provider, upstream: Upstream, fault: str, after: int
) -> None:
    model = model_of(upstream, f"reasoning-2+words-30+call-1+{fault}-after-{after}@100")
    got = await answer(provider, model)
    whole = [Piece("reasoning", "r0 r1"), Piece("text", text_of("words-30"))]
    assert got.parts[:2] == whole
    assert [part.arguments for part in got.parts[2:] if isinstance(part, CallPart)] == [ARGUMENTS]
    assert (got.finish, got.error, len(got.runs)) == ("stop", None, 1)
    assert (await kinds(upstream, model))[:2] == ["create", "attach"]
    attached = (await requests(upstream, model))[1].target
    assert "starting_after=" in attached


KNOWN: list[tuple[Part, ...]] = [
    (),
    (Piece("reasoning", "r0"),),
    (Piece("reasoning", "r0 r1 r2"), Piece("text", "w0 w1 w")),
    (Piece("reasoning", "r0 r1 r2"), Piece("text", text_of("words-9")), CallPart(0, "tool0", "c", '{"pla')),
]


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("script", ["hold-after-6", "too-old", "fast"])
async def test_another_attempt_goes_on_with_the_exact_rest(
    provider: Provider, upstream: Upstream, known: tuple[Part, ...], script: str
) -> None:
    model = model_of(upstream, f"{script}+reasoning-3+words-9+call-1")
    async with aclosing(
        provider.stream(model, ASKED, Background(remember=lambda _: asyncio.sleep(0)))
    ) as chunks:
        await anext(chunks)  # its worker is lost
    run = (await created(upstream, model)).id
    going_on = asyncio.create_task(answer(provider, model, run=run, known=known))
    if script.startswith("hold"):

        async def attached() -> bool:
            return "attach" in await kinds(upstream, model)

        await await_until(attached, LEAST_SECS, "the run has another reader")
        await asyncio.to_thread(upstream.release, model.upstream_model)
    got = await going_on
    assert (got.error, got.finish, got.runs) == (None, "stop", [])
    whole = joined([*known, *got.parts])
    assert [part.text for part in whole if isinstance(part, Piece)] == ["r0 r1 r2", text_of("words-9")]
    assert [(part.name, part.arguments) for part in whole if isinstance(part, CallPart)] == [
        ("tool0", ARGUMENTS)
    ]
    assert (await kinds(upstream, model)).count("create") == 1


async def test_a_run_that_the_server_forgot_is_lost(provider: Provider, upstream: Upstream) -> None:
    model = model_of(upstream, "fast")
    assert not await responses_api.goes_on(provider, model, UNKNOWN)
    got = await answer(provider, model, run=UNKNOWN)
    assert got.error == ProviderError("upstream_cut", permanent=True)


async def test_a_failed_run_does_not_go_on(provider: Provider, upstream: Upstream) -> None:
    model = model_of(upstream, "failed-after-5")
    got = await answer(provider, model)
    assert got.error == ProviderError("upstream_error")
    assert not await responses_api.goes_on(provider, model, got.runs[0])


async def test_a_cancelled_run_stops_and_cancelling_it_again_does_no_harm(
    provider: Provider, upstream: Upstream
) -> None:
    model = model_of(upstream, "words-1000@20")
    kept = Background(remember=lambda _: asyncio.sleep(0))
    async with aclosing(provider.stream(model, ASKED, kept)) as chunks:
        await anext(chunks)
    record = await created(upstream, model)
    assert record.ended_at is None
    for run in (record.id, record.id, UNKNOWN):
        await responses_api.cancel(provider, model, run)
    assert (await created(upstream, model)).aborted


async def test_a_refused_cancellation_has_a_code(provider: Provider) -> None:
    async with gateway(reply(500, {"error": {"message": "no"}})) as server:
        model = ModelConfig("tested", server.base_url, key_env=KEY_ENV, api="responses")
        with pytest.raises(ProviderError, match="upstream_error"):
            await responses_api.cancel(provider, model, UNKNOWN)
    assert server.asked[0].target == f"/v1/responses/{UNKNOWN}/cancel"


async def test_a_server_that_repeats_everything_doubles_nothing(provider: Provider) -> None:
    """It ignores `starting_after`."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    begun = (
        b'data: {"type":"response.created","sequence_number":0,'
        b'"response":{"id":"resp_1","background":true}}\n\n'
        b'data: {"type":"response.output_text.delta","sequence_number":1,"output_index":0,"delta":"once"}\n\n'
    )
    ended = b'data: {"type":"response.completed","sequence_number":2,"response":{"status":"completed"}}\n\n'
    async with gateway(head + begun, head + begun + ended) as server:
        model = ModelConfig("tested", server.base_url, key_env=KEY_ENV, upstream_model="m", api="responses")
        got = await answer(provider, model)
    assert (got.text, got.finish, got.runs) == ("once", "stop", ["resp_1"])


async def test_an_id_that_is_no_path_is_no_run(provider: Provider) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    event = b'data: {"type":"response.created","response":{"id":"../models?","background":true}}\n\n'
    async with gateway(head + event) as server:
        model = ModelConfig("tested", server.base_url, key_env=KEY_ENV, upstream_model="m", api="responses")
        got = await answer(provider, model)
    assert (got.runs, got.error) == ([], ProviderError("upstream_cut"))


async def test_chunks_without_anything_new_are_not_yielded(provider: Provider, upstream: Upstream) -> None:
    model = model_of(upstream, "words-3")
    chunks = [chunk async for chunk in provider.stream(model, ASKED)]
    assert Chunk() not in chunks


@pytest.mark.parametrize("head_first", [False, True], ids=["before the headers", "before the id"])
async def test_a_run_whose_reader_left_before_its_id_came_is_cancelled(
    provider: Provider, head_first: bool
) -> None:
    asked, left, cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    event = b'data: {"type":"response.created","response":{"id":"resp_late","background":true}}\n\n'

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/responses/resp_late/cancel" in await reader.readuntil(b"\r\n\r\n"):
            cancelled.set()
            writer.write(reply(200, {}))
        else:
            writer.write(head if head_first else b"")
            asked.set()
            await left.wait()
            writer.write(event if head_first else head + event)
            await cancelled.wait()
        writer.close()

    async with await asyncio.start_server(serve, ports.HOST) as server, asyncio.timeout(deadline()):
        base_url = f"http://{ports.HOST}:{server.sockets[0].getsockname()[1]}/v1"
        model = ModelConfig("tested", base_url, key_env=KEY_ENV, upstream_model="m", api="responses")
        listening = asyncio.create_task(answer(provider, model))
        await asked.wait()
        listening.cancel()
        await asyncio.wait([listening])
        left.set()
        await cancelled.wait()


async def test_a_server_that_is_busy_or_down_is_attached_to_later(provider: Provider) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    begun = b'data: {"type":"response.created","response":{"id":"resp_1","background":true}}\n\n'
    ended = b'data: {"type":"response.completed","response":{"status":"completed","output":[]}}\n\n'
    busy = reply(
        429, {"error": {"message": "Rate limit", "code": "rate_limit_exceeded"}}, **{"Retry-After": "0"}
    )
    async with gateway(head + begun, busy, reply(503), head + ended) as server:
        model = ModelConfig("tested", server.base_url, key_env=KEY_ENV, upstream_model="m", api="responses")
        got = await answer(provider, model)
    assert (got.finish, got.error) == ("stop", None)
    assert [asked.method for asked in server.asked] == ["POST", "GET", "GET", "GET"]


async def test_a_run_of_another_key_is_not_asked_again(provider: Provider) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    begun = b'data: {"type":"response.created","response":{"id":"resp_1","background":true}}\n\n'
    async with gateway(head + begun, reply(401)) as server:
        model = ModelConfig("tested", server.base_url, key_env=KEY_ENV, upstream_model="m", api="responses")
        got = await answer(provider, model)
    assert got.error == ProviderError("upstream_unauthorized", permanent=True)
