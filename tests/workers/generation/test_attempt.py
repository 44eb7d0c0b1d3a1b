"""Attempts: from the model to the log, to exactly one end."""

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from dataclasses import replace

import pytest

from chat.protocol.output import output_text
from chat.responses.model_catalog import DEMO, DEMO_PROGRAM, ModelConfig
from chat.transport.event_log import Log
from project.up.ports import HOST
from tests.harness.upstream import Upstream, text_of
from tests.harness.waiting import LEAST_SECS, await_until, patience
from tests.workers.background import in_time
from tests.workers.logs import ends, events, text, types
from tests.workers.targets import (
    AFTER_5,
    assign,
    error_code,
    final,
    requests,
    target,
    unaccepting,
    was_left,
)
from workers.generation import deadlines, retries
from workers.generation.attempts import Attempts
from workers.programs import counting

# by the behaviour: the deadline that it misses, and the text that is kept
SILENCES = {
    "no-reply": ("first_token", ""),
    "stall-first": ("first_token", ""),
    "comments-only@50": ("first_token", ""),
    "empty-after-0@50": ("first_token", ""),
    "words-5+wait-99": ("first_token", ""),
    "stall-after-5": ("between_tokens", AFTER_5),
    "stall-after-20": ("between_tokens", text_of("fast")),
    "comments-after-5@50": ("between_tokens", AFTER_5),
    "empty-after-5@50": ("between_tokens", AFTER_5),
}

# to a good end


async def test_the_log_has_the_whole_life_of_a_response(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    begin, asked = time.time(), assign(target(upstream, "reasoning-2+words-3"))
    outcome = await attempts.run(asked)
    logged = await types(log, asked.id)
    is_delta = [kind.endswith("_text.delta") for kind in logged]
    assert any(is_delta)
    assert [kind for kind, delta in zip(logged, is_delta, strict=True) if not delta] == [
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.reasoning_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    numbers = [event.sequence_number for event in await events(log, asked.id)]
    assert numbers == list(range(len(numbers)))
    assert final(outcome)["status"] == "completed"
    assert (final(outcome)["usage"] or {})["output_tokens"] == 5
    assert output_text(final(outcome)) == "w0 w1 w2"
    assert output_text(final(outcome), "reasoning") == "r0 r1"
    state = await log.state(asked.id)
    assert state is not None
    assert state.ended == outcome.response
    assert outcome.first_token_at is not None
    assert begin <= outcome.first_token_at <= time.time()


@pytest.mark.slow
async def test_the_first_token_is_when_the_first_text_came(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    begin, asked = time.time(), assign(target(upstream, "wait-1+words-20@40"))
    writing = asyncio.create_task(attempts.run(asked))

    async def has_text() -> bool:
        return bool(await text(log, asked.id))

    await await_until(has_text, LEAST_SECS, "the first text is in the log")
    seen_at, outcome = time.time(), await writing
    assert outcome.first_token_at is not None
    assert begin + 0.9 < outcome.first_token_at <= seen_at


@pytest.mark.parametrize(
    ("behaviour", "status", "reason"),
    [("length-7", "incomplete", "max_output_tokens"), ("no-usage", "completed", None)],
)
async def test_the_finish_of_the_model_is_the_end_of_the_response(
    attempts: Attempts, upstream: Upstream, behaviour: str, status: str, reason: str | None
) -> None:
    outcome = await attempts.run(assign(target(upstream, behaviour)))
    assert final(outcome)["status"] == status
    assert final(outcome).get("incomplete_details") == (reason and {"reason": reason})
    assert output_text(final(outcome)) == text_of(behaviour)


async def test_many_answers_are_written_at_once(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    assignments = [assign(target(upstream, f"words-{40 + number}@100")) for number in range(8)]
    writing = [asyncio.create_task(attempts.run(one)) for one in assignments]

    async def all_run() -> bool:
        return sorted(attempts.running) == sorted(one.id for one in assignments)

    await await_until(all_run, LEAST_SECS, "all of them are written")
    for one, outcome in zip(assignments, await asyncio.gather(*writing), strict=True):
        assert output_text(final(outcome)) == text_of(one.model.upstream_model) == await text(log, one.id)
    assert attempts.running == []


async def test_the_demo_model_goes_the_same_way(
    log: Log, attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "STEP_SECS", 0)
    asked = assign(ModelConfig(DEMO, program=DEMO_PROGRAM))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "completed"
    assert (await text(log, asked.id)).splitlines() == [f"Number {number}" for number in range(10)]


# to a bad end


@pytest.mark.slow
async def test_silences_that_are_too_long_fail_with_their_codes(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    secs = 1 + patience()  # all at once: the time passes only once
    assignments = [assign(target(upstream, each, **{SILENCES[each][0]: secs})) for each in SILENCES]
    outcomes = await asyncio.gather(*map(attempts.run, assignments))
    for behaviour, asked, outcome in zip(SILENCES, assignments, outcomes, strict=True):
        deadline, kept = SILENCES[behaviour]
        assert (behaviour, error_code(outcome)) == (behaviour, f"timeout_{deadline}")
        assert (behaviour, output_text(final(outcome))) == (behaviour, kept)
        assert (behaviour, await text(log, asked.id)) == (behaviour, kept)
        assert (behaviour, await was_left(upstream, asked.model)) == (behaviour, True)


async def test_an_answer_that_has_finished_is_complete_though_the_server_stays_silent(
    log: Log, attempts: Attempts, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "CLOSING_SECS", 0.3)
    asked = assign(target(upstream, "stall-last"))
    outcome = await in_time(asyncio.create_task(attempts.run(asked)))
    assert (final(outcome)["status"], final(outcome)["usage"]) == ("completed", None)
    assert await text(log, asked.id) == output_text(final(outcome)) == text_of("fast")
    assert await was_left(upstream, asked.model)


@pytest.mark.slow
async def test_an_answer_that_does_not_end_is_ended(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(target(upstream, "words-9999@200", total=0.5 * patience()))
    outcome = await attempts.run(asked)
    assert error_code(outcome) == "timeout_total"
    kept = output_text(final(outcome))
    assert len(kept.split()) > 5
    assert text_of("words-9999").startswith(kept)
    assert await was_left(upstream, asked.model)


@pytest.mark.slow
async def test_a_steady_answer_may_take_longer_than_any_one_wait(
    attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "words-20@8", first_token=2, between_tokens=2))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "completed"


@pytest.mark.slow
async def test_a_connection_that_is_not_taken_fails_with_its_code(
    attempts: Attempts, upstream: Upstream
) -> None:
    with unaccepting() as base_url:
        model = replace(target(upstream, "fast", connect=0.2), base_url=base_url)
        outcome = await attempts.run(assign(model))
    assert error_code(outcome) == "timeout_connect"


@pytest.mark.parametrize(
    ("behaviour", "code", "kept"),
    [
        ("status-429", "rate_limit_exceeded", ""),
        ("html", "upstream_wrong_address", ""),
        ("huge-line-2", "upstream_malformed", ""),
        ("cut-after-5", "upstream_cut", AFTER_5),
        ("cut-after-20", "upstream_cut", text_of("fast")),
        ("drop-after-5", "upstream_cut", AFTER_5),
        ("reset-after-5", "upstream_cut", AFTER_5),
        ("bad-json-after-5", "upstream_malformed", AFTER_5),
        ("bad-utf8-after-5", "upstream_malformed", AFTER_5),
        ("error-in-stream-after-5", "upstream_error", AFTER_5),
        ("split-utf8+words-5+cut-after-5", "upstream_cut", text_of("split-utf8+words-5")),
    ],
)
@pytest.mark.slow
async def test_an_answer_that_fails_keeps_the_text_so_far(
    log: Log, attempts: Attempts, upstream: Upstream, behaviour: str, code: str, kept: str
) -> None:
    asked = assign(target(upstream, behaviour))
    outcome = await attempts.run(asked)
    assert (final(outcome)["status"], error_code(outcome)) == ("failed", code)
    assert await text(log, asked.id) == output_text(final(outcome)) == kept
    assert [end.type for end in await ends(log, asked.id)] == ["response.failed"]


@pytest.mark.parametrize(
    "behaviour",
    [
        "status-500+times-1",
        "drop-after-0+times-1",
        "reset-after-0+times-1",
        "bad-json-after-0+times-1",
        "error-in-stream-after-0+times-1",
    ],
)
@pytest.mark.slow
async def test_a_model_that_failed_before_its_first_word_is_asked_again(
    log: Log, attempts: Attempts, upstream: Upstream, behaviour: str
) -> None:
    asked = assign(target(upstream, behaviour))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "completed"
    assert await text(log, asked.id) == text_of("fast")
    assert len(await requests(upstream, asked.model)) == 2


async def test_a_model_that_keeps_failing_is_given_up(
    attempts: Attempts, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "RETRY_SECS", (0, 0))
    asked = assign(target(upstream, "status-503"))
    outcome = await attempts.run(asked)
    assert error_code(outcome) == "upstream_error"
    assert len(await requests(upstream, asked.model)) == 3


@pytest.mark.parametrize("behaviour", ["drop-after-5+times-1", "status-429+times-1", "status-401+times-1"])
async def test_a_model_is_not_asked_again_after_text_or_where_that_would_not_help(
    attempts: Attempts, upstream: Upstream, behaviour: str
) -> None:
    asked = assign(target(upstream, behaviour))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "failed"
    assert len(await requests(upstream, asked.model)) == 1


async def test_a_model_that_broke_off_after_its_finish_is_not_asked_again(
    attempts: Attempts, upstream: Upstream
) -> None:
    """It had nothing to say, said so, and did not close the body."""
    answered = 0

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal answered
        answered += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 999\r\n\r\n")
        writer.write(b'data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}\n\n')
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, HOST) as server:
        base_url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}/v1"
        outcome = await attempts.run(assign(replace(target(upstream, "fast"), base_url=base_url)))
    assert final(outcome)["incomplete_details"] == {"reason": "content_filter"}
    assert answered == 1
