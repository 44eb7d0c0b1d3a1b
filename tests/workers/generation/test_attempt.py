"""Attempts: from the model to the log, to exactly one end, whatever happens on the way."""

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from chat.protocol.composer import Ending
from chat.protocol.events import Continued, Restarted, Snapshot, Waiting, encode
from chat.protocol.objects import ResponseObject
from chat.protocol.output import output_text
from chat.protocol.state import ResponseState
from chat.responses.ending import conclude
from chat.responses.model_catalog import DEMO, DEMO_URL, ModelConfig
from chat.transport import redis_client
from chat.transport.event_log import Append, Batch, Log, key
from project.up.ports import HOST
from tests.harness.upstream import Upstream, text_of
from tests.harness.valkey import OwnValkey
from tests.harness.waiting import await_until
from tests.harness.writer import Writer
from tests.workers.background import within
from tests.workers.logs import appended, begun, ends, events, text, types
from tests.workers.relay import Relay
from tests.workers.targets import AFTER_5, REQUEST, assign, error_code, final, generating, target, unaccepting
from workers.generation import attempt as module
from workers.generation import deadlines, retries
from workers.generation.attempt import Assignment, StopReason
from workers.generation.attempts import Attempts
from workers.providers import counting

STOPPED_SECS = 2  # within this, a model's server must see that nobody listens any more


@pytest.fixture
async def attempts(log: Log) -> AsyncIterator[Attempts]:
    async with generating(log) as attempts:
        yield attempts


async def said(log: Log, assignment: Assignment, expected: str) -> None:
    """Wait until the log of the assignment holds the text."""

    async def is_said() -> bool:
        return await text(log, assignment.id) == expected

    await await_until(is_said, 10, f"the log says {expected!r}")


async def was_left(upstream: Upstream, assignment: Assignment) -> bool:
    """Whether the model's server saw us leave, in time."""
    now = time.time()
    record = await asyncio.to_thread(upstream.wait_for_end, assignment.model.upstream_model)
    return record.aborted and (record.ended_at or now) - now < STOPPED_SECS


async def was_asked(upstream: Upstream, assignment: Assignment) -> bool:
    return bool(await asyncio.to_thread(upstream.requests, assignment.model.upstream_model))


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
        "response.output_item.added",
        "response.content_part.added",
        "response.reasoning_text.done",
        "response.content_part.done",
        "response.output_item.done",
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


async def test_the_first_token_is_when_the_first_text_came(attempts: Attempts, upstream: Upstream) -> None:
    begin = time.time()
    outcome = await attempts.run(assign(target(upstream, "wait-1+words-20@40")))
    assert outcome.first_token_at is not None
    assert 0.9 < outcome.first_token_at - begin < time.time() - begin - 0.3


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

    await await_until(all_run, 5, "all of them are written")
    for one, outcome in zip(assignments, await asyncio.gather(*writing), strict=True):
        assert output_text(final(outcome)) == text_of(one.model.upstream_model) == await text(log, one.id)
    assert attempts.running == []


async def test_the_demo_model_goes_the_same_way(
    log: Log, attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "STEP_SECS", 0)
    asked = assign(ModelConfig(DEMO, DEMO_URL))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "completed"
    assert (await text(log, asked.id)).splitlines() == [f"Number {number}" for number in range(10)]


# to a bad end


@pytest.mark.parametrize(
    ("behaviour", "deadlines", "code", "kept"),
    [
        ("no-reply", {"first_token": 1}, "timeout_first_token", ""),
        ("stall-first", {"first_token": 1}, "timeout_first_token", ""),
        ("comments-only@50", {"first_token": 1}, "timeout_first_token", ""),
        ("empty-after-0@50", {"first_token": 1}, "timeout_first_token", ""),
        ("stall-after-5", {"between_tokens": 0.2}, "timeout_between_tokens", AFTER_5),
        ("stall-after-20", {"between_tokens": 0.2}, "timeout_between_tokens", text_of("fast")),
        ("comments-after-5@50", {"between_tokens": 0.3}, "timeout_between_tokens", AFTER_5),
        ("empty-after-5@50", {"between_tokens": 0.3}, "timeout_between_tokens", AFTER_5),
        ("words-5+wait-9", {"first_token": 1}, "timeout_first_token", ""),
    ],
)
async def test_a_silence_that_is_too_long_fails_with_its_code(
    log: Log,
    attempts: Attempts,
    upstream: Upstream,
    behaviour: str,
    deadlines: dict[str, float],
    code: str,
    kept: str,
) -> None:
    asked = assign(target(upstream, behaviour, **deadlines))
    outcome = await attempts.run(asked)
    assert error_code(outcome) == code
    assert await text(log, asked.id) == output_text(final(outcome)) == kept
    assert await was_left(upstream, asked)


async def test_an_answer_that_has_finished_is_complete_though_the_server_stays_silent(
    log: Log, attempts: Attempts, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "CLOSING_SECS", 0.3)
    asked = assign(target(upstream, "stall-last"))
    outcome = await within(5, asyncio.create_task(attempts.run(asked)))
    assert (final(outcome)["status"], final(outcome)["usage"]) == ("completed", None)
    assert await text(log, asked.id) == output_text(final(outcome)) == text_of("fast")
    assert await was_left(upstream, asked)


async def test_an_answer_that_does_not_end_is_ended(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(target(upstream, "words-1000@50", total=0.5))
    outcome = await attempts.run(asked)
    assert error_code(outcome) == "timeout_total"
    kept = output_text(final(outcome))
    assert len(kept.split()) > 5
    assert text_of("words-1000").startswith(kept)
    assert await was_left(upstream, asked)


async def test_a_steady_answer_may_take_longer_than_any_one_wait(
    attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "words-20@8", first_token=2, between_tokens=2))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "completed"


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
        ("html", "upstream_malformed", ""),
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
async def test_an_answer_that_fails_keeps_the_text_so_far(
    log: Log, attempts: Attempts, upstream: Upstream, behaviour: str, code: str, kept: str
) -> None:
    asked = assign(target(upstream, behaviour))
    outcome = await attempts.run(asked)
    assert (final(outcome)["status"], error_code(outcome)) == ("failed", code)
    assert await text(log, asked.id) == output_text(final(outcome)) == kept
    assert [end.type for end in await ends(log, asked.id)] == ["response.failed"]


async def requests(upstream: Upstream, asked: Assignment) -> int:
    return len(await asyncio.to_thread(upstream.requests, asked.model.upstream_model))


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
async def test_a_model_that_failed_before_its_first_word_is_asked_again(
    log: Log, attempts: Attempts, upstream: Upstream, behaviour: str
) -> None:
    asked = assign(target(upstream, behaviour))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "completed"
    assert await text(log, asked.id) == text_of("fast")
    assert await requests(upstream, asked) == 2


async def test_a_model_that_keeps_failing_is_given_up(
    attempts: Attempts, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "RETRY_SECS", (0, 0))
    asked = assign(target(upstream, "status-503"))
    outcome = await attempts.run(asked)
    assert error_code(outcome) == "upstream_error"
    assert await requests(upstream, asked) == 3


@pytest.mark.parametrize("behaviour", ["drop-after-5+times-1", "status-429+times-1", "status-401+times-1"])
async def test_a_model_is_not_asked_again_after_text_or_where_that_would_not_help(
    attempts: Attempts, upstream: Upstream, behaviour: str
) -> None:
    asked = assign(target(upstream, behaviour))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "failed"
    assert await requests(upstream, asked) == 1


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


# asked again later, as the server wants it


async def waits(log: Log, asked: Assignment) -> list[Waiting]:
    return [event for event in await events(log, asked.id) if isinstance(event, Waiting)]


async def has_waited(log: Log, asked: Assignment) -> None:
    """Wait until the readers know that the model is not asked for now."""

    async def is_announced() -> bool:
        return bool(await waits(log, asked))

    await await_until(is_announced, 5, "the wait is announced")


@pytest.mark.parametrize(
    ("behaviour", "reason", "seconds"),
    [
        ("retry-after-1", "rate_limit_exceeded", 1.0),
        ("retry-after-ms-400", "rate_limit_exceeded", 0.4),
        ("retry-after-1+status-503", "upstream_error", 1.0),
        ("retry-after-0", "rate_limit_exceeded", 0.3),
    ],
)
async def test_a_server_that_is_busy_is_asked_again_at_the_time_that_it_gives_and_readers_are_notified(
    log: Log, attempts: Attempts, upstream: Upstream, behaviour: str, reason: str, seconds: float
) -> None:
    begin, asked = time.time(), assign(target(upstream, f"{behaviour}+times-1"))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "completed"
    assert await text(log, asked.id) == output_text(final(outcome)) == text_of("fast")
    [waiting] = await waits(log, asked)
    assert (waiting.reason, waiting.seconds, waiting.response_id) == (reason, seconds, asked.id)
    assert begin + seconds <= waiting.until <= time.time()
    first, second = await asyncio.to_thread(upstream.requests, asked.model.upstream_model)
    assert seconds <= second.started_at - first.started_at
    assert abs(second.started_at - waiting.until) < 0.5
    kinds = await types(log, asked.id)
    assert kinds.index("tailrace:waiting") == kinds.index("response.in_progress") + 1
    numbers = [event.sequence_number for event in await events(log, asked.id)]
    assert numbers == list(range(len(numbers)))


async def test_a_server_that_is_busy_again_is_asked_again_but_not_for_ever(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "retry-after-ms-300"))
    outcome = await attempts.run(asked)
    assert error_code(outcome) == "rate_limit_exceeded"
    assert len(await waits(log, asked)) == retries.MAX_WAITS
    assert await requests(upstream, asked) == retries.MAX_WAITS + 1


@pytest.mark.parametrize(
    ("behaviour", "deadlines", "code"),
    [
        ("retry-after-21", {}, "rate_limit_exceeded"),
        ("retry-after-date-3600", {}, "rate_limit_exceeded"),
        ("retry-after-21+status-503", {}, "upstream_error"),
        ("retry-after-10", {"total": 9}, "rate_limit_exceeded"),
    ],
)
async def test_a_server_that_is_busy_for_long_is_not_waited_for(
    log: Log,
    attempts: Attempts,
    upstream: Upstream,
    behaviour: str,
    deadlines: dict[str, float],
    code: str,
) -> None:
    asked = assign(target(upstream, behaviour, **deadlines))
    outcome = await within(5, asyncio.create_task(attempts.run(asked)))
    assert error_code(outcome) == code
    assert await waits(log, asked) == []
    assert await requests(upstream, asked) == 1


async def test_the_wait_is_not_the_silence_of_the_model(attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(target(upstream, "retry-after-1+times-1", first_token=0.7))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "completed"


async def test_after_the_wait_the_model_may_be_silent_no_longer_than_otherwise(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "wait-9+retry-after-ms-500+times-1", first_token=0.6))
    outcome = await within(5, asyncio.create_task(attempts.run(asked)))
    assert error_code(outcome) == "timeout_first_token"
    assert len(await waits(log, asked)) == 1


async def test_the_total_counts_the_wait(attempts: Attempts, upstream: Upstream) -> None:
    begin = time.monotonic()
    asked = assign(target(upstream, "words-1000+retry-after-1+times-1@50", total=1.5))
    outcome = await attempts.run(asked)
    assert error_code(outcome) == "timeout_total"
    assert output_text(final(outcome)).startswith(AFTER_5)
    assert time.monotonic() - begin < 3


async def test_an_answer_that_waits_is_stopped_at_once(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "retry-after-15"))
    writing = asyncio.create_task(attempts.run(asked))
    await has_waited(log, asked)
    attempts.cancel(asked.id)
    outcome = await within(STOPPED_SECS, writing)
    assert final(outcome)["status"] == "cancelled"
    assert [end.type for end in await ends(log, asked.id)] == ["response.incomplete"]
    assert await requests(upstream, asked) == 1


async def test_an_attempt_that_is_superseded_ends_nothing(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "words-200@50"))
    writing = asyncio.create_task(attempts.run(asked))
    appended = Append.GAP
    while appended is not Append.APPENDED:  # until another writer is quicker
        state = await log.state(asked.id)
        if state is not None and state.text():
            appended = await log.append(Batch.of(asked.id, Writer(state).add("another")))
    outcome = await within(5, writing)
    assert (outcome.stopped, outcome.response) == (StopReason.SUPERSEDED, None)
    assert await ends(log, asked.id) == []


async def test_an_answer_that_waits_is_handed_over_at_once(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "retry-after-15"))
    writing = asyncio.create_task(attempts.run(asked))
    await has_waited(log, asked)
    attempts.hand_over()
    outcome = await within(STOPPED_SECS, writing)
    assert (outcome.response, outcome.stopped) == (None, StopReason.HANDED_OVER)
    assert await ends(log, asked.id) == []
    async with generating(log) as other:
        again = await other.run(assign(target(upstream, "fast"), asked.response, attempt=2))
    assert output_text(final(again)) == text_of("fast") == await text(log, asked.id)


async def test_a_later_attempt_takes_over_from_one_that_waits(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    first = assign(target(upstream, "retry-after-ms-1500+times-1"))
    writing = asyncio.create_task(attempts.run(first))
    await has_waited(log, first)
    second = assign(target(upstream, "stall-after-5"), first.response, attempt=2)
    async with generating(log) as other:
        again = asyncio.create_task(other.run(second))
        await said(log, second, AFTER_5)
        state = await log.state(second.id)
        assert state is not None
        assert (state.attempt, state.waiting) == (2, None)
        assert (await within(5, writing)).response is None  # its text is refused, and it ends nothing
        assert await text(log, second.id) == AFTER_5
        other.cancel(second.id)
        outcome = await within(STOPPED_SECS, again)
    assert (final(outcome)["status"], output_text(final(outcome))) == ("cancelled", AFTER_5)


async def test_a_model_that_continues_keeps_its_text_through_a_wait(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    model = replace(target(upstream, "words-20+retry-after-ms-400+times-1"), resume="continue")
    asked = assign(model, attempt=2)
    state = await begun(log, 1, asked.response)
    await appended(log, Writer(state).add("w0 w1 w2"), asked.id)
    outcome = await attempts.run(asked)
    assert output_text(final(outcome)) == text_of("words-20") == await text(log, asked.id)
    assert len(await waits(log, asked)) == 1


async def test_an_answer_whose_log_was_lost_during_a_wait_is_whole(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "retry-after-1+times-1"))
    writing = asyncio.create_task(attempts.run(asked))
    await has_waited(log, asked)
    await redis_client.client().delete(key(asked.id))
    outcome = await within(5, writing)
    assert final(outcome)["status"] == "completed"
    assert output_text(final(outcome)) == text_of("fast") == await text(log, asked.id)


# stopped


@pytest.mark.parametrize("behaviour", ["no-reply", "stall-first", "stall-after-5", "words-1000@50"])
async def test_a_cancelled_answer_leaves_the_model_and_has_one_end(
    log: Log, attempts: Attempts, upstream: Upstream, behaviour: str
) -> None:
    asked = assign(target(upstream, behaviour))
    writing = asyncio.create_task(attempts.run(asked))

    async def is_under_way() -> bool:
        begins = "" if behaviour in ("no-reply", "stall-first") else AFTER_5
        return await was_asked(upstream, asked) and (await text(log, asked.id)).startswith(begins)

    await await_until(is_under_way, 5, "the answer is under way")
    attempts.cancel(asked.id)
    outcome = await within(STOPPED_SECS, writing)
    assert await was_left(upstream, asked)
    assert final(outcome)["status"] == "cancelled"
    assert output_text(final(outcome)) == await text(log, asked.id)
    assert [end.type for end in await ends(log, asked.id)] == ["response.incomplete"]


async def test_an_end_that_the_web_side_wrote_is_respected(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "stall-after-5"))
    writing = asyncio.create_task(attempts.run(asked))
    await said(log, asked, AFTER_5)
    state = await log.state(asked.id)
    assert state is not None
    final = await conclude(log, state, Ending("cancelled", at=5.0))
    attempts.cancel(asked.id)
    assert (await within(STOPPED_SECS, writing)).response == final
    assert len(await ends(log, asked.id)) == 1
    assert await was_left(upstream, asked)


async def test_an_end_in_the_log_stops_the_writer_even_if_no_order_reaches_it(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "words-1000@50"))
    writing = asyncio.create_task(attempts.run(asked))

    async def has_ended() -> ResponseObject | None:
        state = await log.state(asked.id)
        return await conclude(log, state, Ending("cancelled", at=5.0)) if state and state.items else None

    final = await await_until(has_ended, 5, "there is text, and then an end")
    outcome = await within(STOPPED_SECS, writing)
    assert outcome.response == final
    assert len(await ends(log, asked.id)) == 1
    assert await was_left(upstream, asked)


async def test_what_ended_in_the_queue_is_not_begun(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(target(upstream, "fast"))
    await begun(log, response=asked.response)
    state = await log.state(asked.id)
    assert state is not None
    final = await conclude(log, state, Ending("cancelled", at=5.0))
    assert (await attempts.run(asked)).response == final
    assert not await was_asked(upstream, asked)
    assert len(await ends(log, asked.id)) == 1


async def test_to_cancel_what_is_not_written_here_does_nothing(attempts: Attempts) -> None:
    attempts.cancel("of another worker")


# a worker that stops


async def test_a_worker_that_stops_hands_its_answers_over_without_an_end(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "stall-after-5"))
    writing = asyncio.create_task(attempts.run(asked))
    await said(log, asked, AFTER_5)
    attempts.hand_over()
    outcome = await within(STOPPED_SECS, writing)
    assert (outcome.response, outcome.stopped) == (None, StopReason.HANDED_OVER)
    assert await was_left(upstream, asked)
    assert await ends(log, asked.id) == []
    async with generating(log) as other:
        again = await other.run(assign(target(upstream, "fast"), asked.response, attempt=2))
    assert output_text(final(again)) == text_of("fast") == await text(log, asked.id)


async def test_a_worker_that_stops_begins_nothing(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    attempts.hand_over()
    asked = assign(target(upstream, "fast"))
    outcome = await attempts.run(asked)
    assert (outcome.response, outcome.stopped) == (None, StopReason.HANDED_OVER)
    assert await log.top(asked.id) is None
    assert not await was_asked(upstream, asked)


# several attempts


async def lost_attempt(log: Log, response: ResponseObject, attempt: int = 1) -> ResponseState:
    """What an attempt leaves behind whose worker was lost: half an answer."""
    state = await begun(log, attempt, response)
    await appended(log, Writer(state).add("half an ans"), response["id"])
    return state


@pytest.mark.parametrize(("handed_over", "reason"), [(True, "handed_over"), (False, "worker_lost")])
async def test_a_later_attempt_says_so_and_begins_the_text_again(
    log: Log, attempts: Attempts, upstream: Upstream, handed_over: bool, reason: str
) -> None:
    asked = assign(target(upstream, "fast"), attempt=2, handed_over=handed_over)
    await lost_attempt(log, asked.response)
    outcome = await attempts.run(asked)
    [restarted] = [event for event in await events(log, asked.id) if isinstance(event, Restarted)]
    assert (restarted.attempt, restarted.reason) == (2, reason)
    assert await text(log, asked.id) == text_of("fast")
    assert output_text(final(outcome)) == text_of("fast")


async def test_a_later_attempt_of_a_model_that_continues_goes_on_in_the_middle(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(replace(target(upstream, "words-20"), resume="continue"), attempt=2, handed_over=True)
    state = await begun(log, 1, asked.response)
    await appended(log, Writer(state).add("w0 w1 w2"), asked.id)
    outcome = await attempts.run(asked)
    [continued] = [event for event in await events(log, asked.id) if isinstance(event, Continued)]
    assert (continued.attempt, continued.reason) == (2, "handed_over")
    [record] = await asyncio.to_thread(upstream.requests, asked.model.upstream_model)
    assert record.messages == [*REQUEST.messages, {"role": "assistant", "content": "w0 w1 w2"}]
    assert await text(log, asked.id) == text_of("words-20")
    assert output_text(final(outcome)) == text_of("words-20")
    assert len(await ends(log, asked.id)) == 1


async def test_an_attempt_that_lost_the_log_to_a_later_one_stops_and_ends_nothing(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "words-1000@50"))
    writing = asyncio.create_task(attempts.run(asked))

    async def is_taken_over() -> bool:
        state = await log.state(asked.id)
        if state is None or not state.items:
            return False
        batch = Batch.of(asked.id, Writer(state).start(2))
        return await log.append(batch) is Append.APPENDED  # the writer may be quicker

    await await_until(is_taken_over, 5, "a later attempt has the log")
    outcome = await within(STOPPED_SECS, writing)
    assert outcome.response is None
    assert await was_left(upstream, asked)
    assert await ends(log, asked.id) == []
    assert await text(log, asked.id) == ""


async def test_an_attempt_that_comes_after_a_later_one_writes_nothing(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "fast"), attempt=1)
    await lost_attempt(log, asked.response, attempt=2)
    before = await log.read(asked.id)
    assert (await attempts.run(asked)).response is None
    assert await log.read(asked.id) == before
    assert not await was_asked(upstream, asked)


async def test_two_attempts_in_one_process_do_not_mix(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    first = assign(target(upstream, "words-1000@50"))
    writing = asyncio.create_task(attempts.run(first))

    async def has_text() -> bool:
        return bool(await text(log, first.id))

    await await_until(has_text, 5, "the first attempt writes")
    second = assign(target(upstream, "stall-after-5"), first.response, attempt=2)
    again = asyncio.create_task(attempts.run(second))
    assert (await within(STOPPED_SECS, writing)).response is None  # the first one is superseded
    await said(log, second, AFTER_5)
    assert attempts.running == [second.id]
    attempts.cancel(second.id)
    outcome = await within(STOPPED_SECS, again)
    assert output_text(final(outcome)) == AFTER_5


async def test_a_later_attempt_prevails_over_one_that_still_writes(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "fast"), attempt=2)
    zombie = await begun(log, 1, asked.response)

    async def write_on() -> None:
        for _ in range(300):  # faster than any model speaks
            first = zombie.next
            batch = Batch(asked.id, first, [encode(event) for event in Writer(zombie).add("of a zombie ")])
            if await log.append(batch) is not Append.APPENDED:
                return

    async def writes_on() -> bool:
        return zombie.next > 10

    writing_on = asyncio.create_task(write_on())
    await await_until(writes_on, 5, "the earlier attempt writes")
    outcome = await attempts.run(asked)
    await writing_on
    assert (final(outcome)["status"], output_text(final(outcome))) == ("completed", text_of("fast"))
    assert await text(log, asked.id) == text_of("fast")


# a Valkey that forgets, loses replies or is unavailable


async def test_a_log_that_was_lost_in_the_queue_is_begun_anew(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "fast"))
    assert await log.top(asked.id) is None
    await attempts.run(asked)
    assert (await types(log, asked.id))[:3] == ["response.created", "response.queued", "response.in_progress"]


async def test_a_begin_whose_reply_was_lost_is_no_end(relay: Relay, upstream: Upstream) -> None:
    log = Log(redis_client.client())
    async with generating(log) as attempts:
        asked = assign(target(upstream, "fast"))
        relay.lose_reply_to(b"response.in_progress")
        outcome = await attempts.run(asked)
        assert relay.lost_replies == 1
        assert final(outcome)["status"] == "completed"
        assert (await types(log, asked.id)).count("response.in_progress") == 1


async def test_an_end_whose_reply_was_lost_is_written_once(relay: Relay, upstream: Upstream) -> None:
    log = Log(redis_client.client())
    async with generating(log) as attempts:
        asked = assign(target(upstream, "fast"))
        relay.lose_reply_to(b"response.completed")
        outcome = await attempts.run(asked)
        assert relay.lost_replies == 1
        assert [end.type for end in await ends(log, asked.id)] == ["response.completed"]
        state = await log.state(asked.id)
        assert state is not None
        assert outcome.response == state.ended


@pytest.mark.parametrize("attempt", [1, 2])
async def test_an_answer_whose_log_was_lost_at_last_still_ends(
    log: Log, attempts: Attempts, upstream: Upstream, attempt: int
) -> None:
    asked = assign(target(upstream, "stall-after-5", between_tokens=0.5), attempt=attempt)
    writing = asyncio.create_task(attempts.run(asked))
    await said(log, asked, AFTER_5)
    await redis_client.client().delete(key(asked.id))
    outcome = await writing
    assert error_code(outcome) == "timeout_between_tokens"
    assert output_text(final(outcome)) == AFTER_5 == await text(log, asked.id)
    assert len(await ends(log, asked.id)) == 1


async def test_a_second_attempt_with_a_rebuilt_log_can_be_cancelled(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "words-1000@50"), attempt=2)
    writing = asyncio.create_task(attempts.run(asked))

    async def has_text() -> bool:
        return bool(await text(log, asked.id))

    await await_until(has_text, 5, "it is written")
    await redis_client.client().delete(key(asked.id))

    async def is_rebuilt() -> bool:
        return any(isinstance(event, Snapshot) for event in await events(log, asked.id))

    await await_until(is_rebuilt, 5, "the log is rebuilt")
    attempts.cancel(asked.id)
    outcome = await within(STOPPED_SECS, writing)
    assert final(outcome)["status"] == "cancelled"
    assert len(await ends(log, asked.id)) == 1


async def test_an_end_that_cannot_be_written_is_written_when_valkey_is_back(
    own_valkey: OwnValkey,
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "RETRY_SECS", 0.05)
    log = Log(redis_client.client())
    async with generating(log) as attempts:
        asked = assign(target(upstream, "stall-after-5", between_tokens=0.5))
        writing = asyncio.create_task(attempts.run(asked))
        await said(log, asked, AFTER_5)
        own_valkey.kill()

        async def is_noticed() -> bool:
            return "the response cannot end" in caplog.text

        await await_until(is_noticed, 10, "it notices that Valkey is unavailable")
        await asyncio.to_thread(own_valkey.start)
        outcome = await within(15, writing)
        assert error_code(outcome) == "timeout_between_tokens"
        assert output_text(final(outcome)) == AFTER_5 == await text(log, asked.id)
        assert len(await ends(log, asked.id)) == 1


async def test_an_answer_can_begin_while_valkey_is_unavailable(
    own_valkey: OwnValkey,
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "RETRY_SECS", 0.05)
    log = Log(redis_client.client())
    async with generating(log) as attempts:
        asked = assign(target(upstream, "fast"))
        await begun(log)  # the connection is warm
        own_valkey.kill()
        writing = asyncio.create_task(attempts.run(asked))

        async def is_noticed() -> bool:
            return "the attempt cannot start" in caplog.text

        await await_until(is_noticed, 10, "it notices that Valkey is unavailable")
        await asyncio.to_thread(own_valkey.start)
        outcome = await within(15, writing)
        assert final(outcome)["status"] == "completed"
        assert await text(log, asked.id) == text_of("fast")
