"""Attempts that are cancelled, handed over, or followed by another."""

import asyncio
from dataclasses import replace

import pytest

from chat.protocol.composer import Ending
from chat.protocol.events import Continued, Restarted, Terminal, encode
from chat.protocol.objects import ResponseObject
from chat.protocol.output import output_text
from chat.protocol.state import ResponseState
from chat.responses.ending import conclude
from chat.transport.event_log import Append, Batch, Log
from tests.harness.upstream import Upstream, text_of
from tests.harness.waiting import LEAST_SECS, await_until
from tests.harness.writer import Writer
from tests.workers.background import in_time
from tests.workers.logs import appended, begun, ends, events, text
from tests.workers.stalled import wait_until_stalled
from tests.workers.targets import (
    AFTER_5,
    REQUEST,
    assign,
    final,
    generating,
    requests,
    target,
    was_left,
)
from workers.generation.attempt import StopReason
from workers.generation.attempts import Attempts

# stopped


@pytest.mark.parametrize("behaviour", ["no-reply", "stall-first", "stall-after-5", "words-1000@50"])
async def test_a_cancelled_answer_leaves_the_model_and_has_one_end(
    log: Log, attempts: Attempts, upstream: Upstream, behaviour: str
) -> None:
    asked = assign(target(upstream, behaviour))
    writing = asyncio.create_task(attempts.run(asked))

    async def is_under_way() -> bool:
        begins = "" if behaviour in ("no-reply", "stall-first") else AFTER_5
        return bool(await requests(upstream, asked.model)) and (await text(log, asked.id)).startswith(begins)

    await await_until(is_under_way, LEAST_SECS, "the answer is under way")
    attempts.cancel(asked.id)
    outcome = await in_time(writing)
    assert await was_left(upstream, asked.model)
    assert final(outcome)["status"] == "cancelled"
    assert output_text(final(outcome)) == await text(log, asked.id)
    assert [end.type for end in await ends(log, asked.id)] == ["response.incomplete"]


async def test_an_end_that_the_web_side_wrote_is_respected(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "stall-after-5"))
    writing = asyncio.create_task(attempts.run(asked))
    await wait_until_stalled(log, asked.id)
    state = await log.state(asked.id)
    assert state is not None
    final = await conclude(log, state, Ending("cancelled", at=5.0))
    attempts.cancel(asked.id)
    assert (await in_time(writing)).terminal == final
    assert len(await ends(log, asked.id)) == 1
    assert await was_left(upstream, asked.model)


async def test_an_end_in_the_log_stops_the_writer_even_if_no_order_reaches_it(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "words-1000@50"))
    writing = asyncio.create_task(attempts.run(asked))

    async def has_ended() -> Terminal | None:
        state = await log.state(asked.id)
        return await conclude(log, state, Ending("cancelled", at=5.0)) if state and state.items else None

    final = await await_until(has_ended, LEAST_SECS, "there is text, and then an end")
    outcome = await in_time(writing)
    assert outcome.terminal == final
    assert len(await ends(log, asked.id)) == 1
    assert await was_left(upstream, asked.model)


async def test_what_ended_in_the_queue_is_not_begun(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(target(upstream, "fast"))
    await begun(log, response=asked.response)
    state = await log.state(asked.id)
    assert state is not None
    final = await conclude(log, state, Ending("cancelled", at=5.0))
    assert (await attempts.run(asked)).terminal == final
    assert not await requests(upstream, asked.model)
    assert len(await ends(log, asked.id)) == 1


async def test_to_cancel_what_is_not_written_here_does_nothing(attempts: Attempts) -> None:
    attempts.cancel("of another worker")


# a worker that stops


async def test_a_worker_that_stops_hands_its_answers_over_without_an_end(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "stall-after-5"))
    writing = asyncio.create_task(attempts.run(asked))
    await wait_until_stalled(log, asked.id)
    attempts.hand_over()
    outcome = await in_time(writing)
    assert (outcome.response, outcome.stopped) == (None, StopReason.HANDED_OVER)
    assert await was_left(upstream, asked.model)
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
    assert not await requests(upstream, asked.model)


# several attempts


async def lost_attempt(log: Log, response: ResponseObject, attempt: int = 1) -> ResponseState:
    """Begin an attempt whose worker is lost in the middle of the answer."""
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
    [record] = await requests(upstream, asked.model)
    assert record.messages == [*REQUEST.messages, {"role": "assistant", "content": "w0 w1 w2"}]
    assert await text(log, asked.id) == text_of("words-20")
    assert output_text(final(outcome)) == text_of("words-20")
    assert len(await ends(log, asked.id)) == 1


async def test_a_later_attempt_may_find_the_answer_complete(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(replace(target(upstream, "words-3"), resume="continue"), attempt=2)
    state = await begun(log, 1, asked.response)
    await appended(log, Writer(state).add(text_of("words-3")), asked.id)
    response = final(await attempts.run(asked))
    assert (response["status"], output_text(response)) == ("completed", text_of("words-3"))


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

    await await_until(is_taken_over, LEAST_SECS, "a later attempt has the log")
    outcome = await in_time(writing)
    assert outcome.response is None
    assert await was_left(upstream, asked.model)
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
    assert not await requests(upstream, asked.model)


async def test_two_attempts_in_one_process_do_not_mix(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    first = assign(target(upstream, "words-1000@50"))
    writing = asyncio.create_task(attempts.run(first))

    async def has_text() -> bool:
        return bool(await text(log, first.id))

    await await_until(has_text, LEAST_SECS, "the first attempt writes")
    second = assign(target(upstream, "stall-after-5"), first.response, attempt=2)
    again = asyncio.create_task(attempts.run(second))
    assert (await in_time(writing)).response is None  # the first one is superseded
    await wait_until_stalled(log, second.id)
    assert attempts.running == [second.id]
    attempts.cancel(second.id)
    outcome = await in_time(again)
    assert output_text(final(outcome)) == AFTER_5


async def test_a_later_attempt_in_the_same_process_stops_a_silent_one(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    first = assign(target(upstream, "stall-after-5"))
    writing = asyncio.create_task(attempts.run(first))
    await wait_until_stalled(log, first.id)
    second = assign(target(upstream, "fast"), first.response, attempt=2)
    assert output_text(final(await attempts.run(second))) == text_of("fast")
    assert (await in_time(writing)).stopped is StopReason.SUPERSEDED
    assert await was_left(upstream, first.model)


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
    await await_until(writes_on, LEAST_SECS, "the earlier attempt writes")
    outcome = await attempts.run(asked)
    await writing_on
    assert (final(outcome)["status"], output_text(final(outcome))) == ("completed", text_of("fast"))
    assert await text(log, asked.id) == text_of("fast")
