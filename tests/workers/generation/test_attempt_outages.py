"""Attempts whose Valkey loses logs or replies, or is unavailable."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chat.protocol.events import Snapshot
from chat.protocol.output import output_text
from chat.transport import redis_client
from chat.transport.event_log import Log, key
from tests.harness.upstream import Upstream, text_of
from tests.harness.valkey import OwnValkey
from tests.harness.waiting import LEAST_SECS, await_until
from tests.workers.background import in_time
from tests.workers.logs import begun, ends, events, text, types
from tests.workers.relay import Relay
from tests.workers.stalled import wait_until_stalled
from tests.workers.targets import (
    AFTER_5,
    assign,
    final,
    generating,
    release,
    target,
)
from workers.generation import attempt as module
from workers.generation.attempts import Attempts


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
@pytest.mark.slow
async def test_an_answer_whose_log_was_lost_at_last_still_ends(
    log: Log, attempts: Attempts, upstream: Upstream, attempt: int
) -> None:
    asked = assign(target(upstream, "words-5+hold-after-5"), attempt=attempt)
    writing = asyncio.create_task(attempts.run(asked))
    await wait_until_stalled(log, asked.id)
    await redis_client.client().delete(key(asked.id))
    await release(upstream, asked)
    outcome = await in_time(writing)
    assert final(outcome)["status"] == "completed"
    assert output_text(final(outcome)) == AFTER_5 == await text(log, asked.id)
    assert len(await ends(log, asked.id)) == 1


async def test_a_second_attempt_with_a_rebuilt_log_can_be_cancelled(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(target(upstream, "words-1000@50"), attempt=2)
    writing = asyncio.create_task(attempts.run(asked))

    async def has_text() -> bool:
        return bool(await text(log, asked.id))

    await await_until(has_text, LEAST_SECS, "it is written")
    await redis_client.client().delete(key(asked.id))

    async def is_rebuilt() -> bool:
        return any(isinstance(event, Snapshot) for event in await events(log, asked.id))

    await await_until(is_rebuilt, LEAST_SECS, "the log is rebuilt")
    attempts.cancel(asked.id)
    outcome = await in_time(writing)
    assert final(outcome)["status"] == "cancelled"
    assert len(await ends(log, asked.id)) == 1


@pytest.fixture
async def end_outage(
    own_valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Callable[[str], Awaitable[None]]:
    """A function that ends the outage of a killed Valkey, once the attempt has logged this failure."""
    monkeypatch.setattr(module, "RETRY_SECS", 0.05)

    async def end(failure: str) -> None:
        await await_until(lambda: failure in caplog.text, LEAST_SECS, f"the log says {failure!r}")
        await asyncio.to_thread(own_valkey.start)

    return end


@pytest.mark.slow
async def test_an_end_during_an_outage_is_written_afterwards(
    own_valkey: OwnValkey, end_outage: Callable[[str], Awaitable[None]], upstream: Upstream
) -> None:
    log = Log(redis_client.client())
    async with generating(log) as attempts:
        asked = assign(target(upstream, "words-5+hold-after-5"))
        writing = asyncio.create_task(attempts.run(asked))
        await wait_until_stalled(log, asked.id)
        own_valkey.kill()
        await release(upstream, asked)
        await end_outage("the response cannot end")
        outcome = await in_time(writing)
        assert final(outcome)["status"] == "completed"
        assert output_text(final(outcome)) == AFTER_5 == await text(log, asked.id)
        assert len(await ends(log, asked.id)) == 1


async def test_an_attempt_during_an_outage_starts_afterwards(
    own_valkey: OwnValkey, end_outage: Callable[[str], Awaitable[None]], upstream: Upstream
) -> None:
    log = Log(redis_client.client())
    async with generating(log) as attempts:
        asked = assign(target(upstream, "fast"))
        await begun(log)  # the connection is warm
        own_valkey.kill()
        writing = asyncio.create_task(attempts.run(asked))
        await end_outage("the attempt cannot start")
        outcome = await in_time(writing)
        assert final(outcome)["status"] == "completed"
        assert await text(log, asked.id) == text_of("fast")
