"""Attempts whose model's server is busy: it is called again at the time that it gives."""

import asyncio
import time
from dataclasses import replace

import pytest

from chat.protocol.events import Waiting
from chat.protocol.output import output_text
from chat.transport import redis_client
from chat.transport.event_log import Append, Batch, Log, key
from tests.harness.upstream import Upstream, text_of
from tests.harness.waiting import LEAST_SECS, await_until, patience
from tests.harness.writer import Writer
from tests.workers.background import in_time
from tests.workers.logs import appended, begun, ends, events, text, types
from tests.workers.stalled import wait_until_stalled
from tests.workers.targets import (
    AFTER_5,
    assign,
    error_code,
    final,
    generating,
    requests,
    target,
)
from workers.generation import retries
from workers.generation.attempt import Assignment, StopReason
from workers.generation.attempts import Attempts


async def waits(log: Log, asked: Assignment) -> list[Waiting]:
    return [event for event in await events(log, asked.id) if isinstance(event, Waiting)]


async def has_waited(log: Log, asked: Assignment) -> None:
    """Wait until the readers know that the model is not asked for now."""

    async def is_announced() -> bool:
        return bool(await waits(log, asked))

    await await_until(is_announced, LEAST_SECS, "the wait is announced")


@pytest.mark.parametrize(
    ("behaviour", "reason", "seconds"),
    [
        ("retry-after-1", "rate_limit_exceeded", 1.0),
        ("retry-after-ms-400", "rate_limit_exceeded", 0.4),
        ("retry-after-1+status-503", "upstream_error", 1.0),
        ("retry-after-0", "rate_limit_exceeded", 0.3),
    ],
)
@pytest.mark.slow
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
    first, second = await requests(upstream, asked.model)
    assert seconds <= second.started_at - first.started_at
    assert second.started_at > waiting.until - 0.1  # two clocks, one rounded
    kinds = await types(log, asked.id)
    assert kinds.index("tailrace:waiting") == kinds.index("response.in_progress") + 1
    numbers = [event.sequence_number for event in await events(log, asked.id)]
    assert numbers == list(range(len(numbers)))


@pytest.mark.slow
async def test_a_server_that_is_busy_again_is_asked_again_but_not_for_ever(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "retry-after-ms-300"))
    outcome = await attempts.run(asked)
    assert error_code(outcome) == "rate_limit_exceeded"
    assert len(await waits(log, asked)) == retries.MAX_WAITS
    assert len(await requests(upstream, asked.model)) == retries.MAX_WAITS + 1


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
    outcome = await in_time(asyncio.create_task(attempts.run(asked)))
    assert error_code(outcome) == code
    assert await waits(log, asked) == []
    assert len(await requests(upstream, asked.model)) == 1


@pytest.mark.slow
async def test_the_wait_is_not_the_silence_of_the_model(attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(target(upstream, "retry-after-2+times-1", first_token=1.9))
    outcome = await attempts.run(asked)
    assert final(outcome)["status"] == "completed"


@pytest.mark.slow
async def test_after_the_wait_the_model_may_be_silent_no_longer_than_otherwise(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "wait-99+retry-after-ms-500+times-1", first_token=patience()))
    outcome = await in_time(asyncio.create_task(attempts.run(asked)))
    assert error_code(outcome) == "timeout_first_token"
    assert len(await waits(log, asked)) == 1


@pytest.mark.slow
async def test_the_total_bounds_an_answer_after_a_wait(attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(target(upstream, "words-1000+retry-after-1+times-1@50", total=1 + 0.5 * patience()))
    outcome = await attempts.run(asked)
    assert error_code(outcome) == "timeout_total"
    assert output_text(final(outcome)).startswith(AFTER_5)


async def test_an_answer_that_waits_is_stopped_at_once(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "retry-after-15"))
    writing = asyncio.create_task(attempts.run(asked))
    await has_waited(log, asked)
    attempts.cancel(asked.id)
    outcome = await in_time(writing)
    assert final(outcome)["status"] == "cancelled"
    assert [end.type for end in await ends(log, asked.id)] == ["response.incomplete"]
    assert len(await requests(upstream, asked.model)) == 1


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
    outcome = await in_time(writing)
    assert (outcome.stopped, outcome.response) == (StopReason.SUPERSEDED, None)
    assert await ends(log, asked.id) == []


async def test_an_answer_that_waits_is_handed_over_at_once(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "retry-after-15"))
    writing = asyncio.create_task(attempts.run(asked))
    await has_waited(log, asked)
    attempts.hand_over()
    outcome = await in_time(writing)
    assert (outcome.response, outcome.stopped) == (None, StopReason.HANDED_OVER)
    assert await ends(log, asked.id) == []
    async with generating(log) as other:
        again = await other.run(assign(target(upstream, "fast"), asked.response, attempt=2))
    assert output_text(final(again)) == text_of("fast") == await text(log, asked.id)


@pytest.mark.slow
async def test_a_later_attempt_takes_over_from_one_that_waits(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    wait_ms = 1000 * min(1.5 * patience(), retries.RETRY_AFTER_SECS)  # it must not end before the takeover
    first = assign(target(upstream, f"retry-after-ms-{wait_ms:.0f}+times-1"))
    writing = asyncio.create_task(attempts.run(first))
    await has_waited(log, first)
    second = assign(target(upstream, "stall-after-5"), first.response, attempt=2)
    async with generating(log) as other:
        again = asyncio.create_task(other.run(second))
        await wait_until_stalled(log, second.id)
        state = await log.state(second.id)
        assert state is not None
        assert (state.attempt, state.waiting) == (2, None)
        assert (await in_time(writing)).response is None  # it ends nothing
        assert await text(log, second.id) == AFTER_5
        other.cancel(second.id)
        outcome = await in_time(again)
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


@pytest.mark.slow
async def test_an_answer_whose_log_was_lost_during_a_wait_is_whole(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "retry-after-1+times-1"))
    writing = asyncio.create_task(attempts.run(asked))
    await has_waited(log, asked)
    await redis_client.client().delete(key(asked.id))
    outcome = await in_time(writing)
    assert final(outcome)["status"] == "completed"
    assert output_text(final(outcome)) == text_of("fast") == await text(log, asked.id)
