"""The log, on a real Valkey: the id is the fence, and a batch goes in whole or not at all."""

import pytest

from chat.protocol.composer import Ending
from chat.protocol.events import Completed, Failed, Incomplete, encode
from chat.protocol.state import EPOCH_SIZE, ResponseState
from chat.transport import redis_client
from chat.transport.event_log import ENDED_SECS, LIVE_SECS, Append, Batch, Entry, Log, LogError, key
from tests.chat.protocol.lives import RESPONSE
from tests.harness.writer import Writer


@pytest.fixture
async def log(redis_url: str) -> Log:
    """An empty log of the response `r1`."""
    log = Log(redis_client.client())
    assert await log.create(RESPONSE)
    return log


async def test_a_log_can_be_created_once(log: Log) -> None:
    assert not await log.create(RESPONSE | {"model": "another"})
    assert not await log.create(RESPONSE, attempts=1)
    assert await log.top("r1") == 1


async def test_entries_are_read_in_order_after_a_cursor(log: Log) -> None:
    await log.append(Batch("r1", 2, ["two", "three"]))
    assert [entry.sequence_number for entry in await log.read("r1")] == [0, 1, 2, 3]
    assert [entry.event for entry in await log.read("r1", after=1)] == ["two", "three"]
    assert await log.read("r1", after=3) == []
    assert await log.top("r1") == 3


async def test_the_second_of_two_writers_gets_a_conflict(log: Log) -> None:
    assert await log.append(Batch("r1", 2, ["mine"])) is Append.APPENDED
    assert await log.append(Batch("r1", 2, ["yours"])) is Append.CONFLICT
    assert [entry.event for entry in await log.read("r1", after=1)] == ["mine"]


async def test_a_rejected_batch_leaves_none_of_its_events(log: Log) -> None:
    await log.append(Batch("r1", 2, ["the end"]))
    assert await log.append(Batch("r1", 2, ["late", "later", "latest"])) is Append.CONFLICT
    assert await log.top("r1") == 2


async def test_a_batch_that_would_leave_a_hole_is_a_gap(log: Log) -> None:
    assert await log.append(Batch("r1", 3, ["after a hole"])) is Append.GAP
    assert await log.append_each([Batch("r1", 3, ["after a hole"])]) == [Append.GAP]
    assert await log.top("r1") == 1


async def written(log: Log, text: str) -> Writer:
    """A writer whose attempt has this text in the log."""
    state = await log.state("r1")
    assert state is not None
    writer = Writer(state)
    assert await log.append(Batch.of("r1", [*writer.start(1), *writer.add(text)])) is Append.APPENDED
    return writer


@pytest.mark.parametrize("lost", ["all", "the latest events"])
async def test_what_redis_lost_is_restored_by_one_event_that_stands_for_all(log: Log, lost: str) -> None:
    await log._redis.copy(key("r1"), "older")
    writer = await written(log, "before ")
    await log._redis.delete(key("r1"))
    if lost == "the latest events":
        await log._redis.copy("older", key("r1"))
    more = writer.add("and after")
    assert await log.append(Batch.of("r1", more)) is Append.GAP
    restoring = Batch.restoring(writer.state)
    assert await log.restore(restoring, 1) is Append.APPENDED
    assert await log.restore(restoring, 1) is Append.APPENDED  # the reply was lost
    assert await log.append(Batch.of("r1", writer.add(", and so on"))) is Append.APPENDED
    read = await log.state("r1")
    assert read is not None
    assert read.text() == "before and after, and so on"
    assert 0 < await log._redis.ttl(key("r1")) <= LIVE_SECS


async def test_a_log_is_not_restored_over_a_later_attempt(log: Log) -> None:
    await log._redis.copy(key("r1"), "older")
    writer = await written(log, "lost")
    await log._redis.copy("older", key("r1"), replace=True)
    state = await log.state("r1")
    assert state is not None
    assert await log.append(Batch.of("r1", Writer(state).start(2))) is Append.APPENDED
    before = await log.read("r1")
    assert await log.restore(Batch.restoring(writer.state), 1) is Append.CONFLICT
    assert await log.read("r1") == before


async def test_a_log_that_changes_while_it_is_restored_is_a_gap(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log._redis.copy(key("r1"), "older")
    writer = await written(log, "lost")
    await log._redis.copy("older", key("r1"), replace=True)
    seen = await log.state("r1")
    assert seen is not None
    later = Batch.of("r1", Writer(seen).start(2))

    async def outdated(response_id: str) -> ResponseState | None:
        state = await Log(redis_client.client()).state(response_id)
        await log.append(later)
        return state

    monkeypatch.setattr(log, "state", outdated)
    assert await log.restore(Batch.restoring(writer.state), 1) is Append.GAP
    assert await log.top("r1") == later.first + len(later.events) - 1


@pytest.mark.parametrize("kind", [Completed, Incomplete, Failed])
async def test_after_an_end_nothing_is_appended_or_restored(log: Log, kind: type[Completed]) -> None:
    end = encode(kind(sequence_number=2, response=RESPONSE))
    assert await log.append(Batch("r1", 2, [end]), last=True) is Append.APPENDED
    assert await log.append(Batch("r1", 3, ["more"])) is Append.CONFLICT
    assert await log.append_each([Batch("r1", 3, ["more"])]) == [Append.CONFLICT]
    assert await log.restore(Batch("r1", 9, ["all of it, and more"]), 1) is Append.CONFLICT
    assert await log.top("r1") == 2


async def test_a_redis_that_is_full_raises_or_says_so_for_each_batch(log: Log) -> None:
    await log._redis.config_set("maxmemory", 1)
    try:
        assert await log.append_each([Batch("r1", 2, ["a"])]) == [Append.RETRY]
        for writing in (
            log.append(Batch("r1", 2, ["a"])),
            log.restore(Batch("r1", 2, ["a"]), 1),
            log.create(RESPONSE | {"id": "r2"}),
        ):
            with pytest.raises(LogError):
                await writing
    finally:
        await log._redis.config_set("maxmemory", 0)
    assert await log.append(Batch("r1", 2, ["a"])) is Append.APPENDED


async def test_a_redis_that_has_forgotten_the_script_learns_it_again(log: Log) -> None:
    await log.append_each([Batch("r1", 2, ["a"])])
    await log._redis.script_flush()
    assert await log.append_each([Batch("r1", 3, ["b"])]) == [Append.APPENDED]
    assert await log.top("r1") == 3


async def test_many_logs_are_appended_to_in_one_round_trip(log: Log) -> None:
    await log.create(RESPONSE | {"id": "r2"})
    outcomes = await log.append_each(
        [
            Batch("r1", 2, ["a", "b"]),
            Batch("r2", 2, ["c"]),
            Batch("r2", 2, ["too late"]),
            Batch("r1", 3, ["too", "late"]),
            Batch("gone", 5, ["lost"]),
            Batch("gone", 5, ["lost", "too"]),
        ]
    )
    assert outcomes == [
        Append.APPENDED,
        Append.APPENDED,
        Append.CONFLICT,
        Append.CONFLICT,
        Append.GAP,
        Append.GAP,
    ]
    assert [entry.event for entry in await log.read("r1", after=1)] == ["a", "b"]
    assert [entry.event for entry in await log.read("r2", after=1)] == ["c"]


async def test_a_lost_log_is_noticed_and_not_begun_in_the_middle(log: Log) -> None:
    await redis_client.client().delete(key("r1"))
    assert await log.append(Batch("r1", 2, ["two"])) is Append.GAP
    assert await log.top("r1") is None


async def test_a_batch_whose_reply_was_lost_can_be_sent_again(log: Log) -> None:
    mine = Batch("r1", 2, ["two", "three"])
    assert await log.append_each([mine, mine]) == [Append.APPENDED, Append.APPENDED]
    assert await log.append(Batch("r1", 2, ["two", "yours"])) is Append.CONFLICT
    assert await log.append(Batch("r1", 3, ["three", "four"])) is Append.CONFLICT
    assert await log.append(Batch("r1", 2, ["two"])) is Append.CONFLICT  # and there is more after it
    assert await log.top("r1") == 3
    end = Batch("r1", 4, [encode(Completed(sequence_number=4, response=RESPONSE))])
    assert await log.append(end, last=True) is await log.append(end, last=True) is Append.APPENDED


async def test_the_last_event_of_each_log_is_read(log: Log) -> None:
    await log.create(RESPONSE | {"id": "r2"})
    end = encode(Completed(sequence_number=2, response=RESPONSE))
    await log.append(Batch("r1", 2, [end]), last=True)
    lasts = await log.lasts(["r2", "r1", "gone"])
    assert list(lasts) == ["r2", "r1"]
    assert lasts["r1"] == Entry(2, end)
    assert lasts["r2"].sequence_number == 1


async def test_a_log_that_redis_refuses_does_not_stop_the_others(log: Log) -> None:
    await redis_client.client().set(key("odd"), "not a log")
    outcomes = await log.append_each(
        [Batch("odd", 2, ["x"]), Batch("r1", 2, ["y"]), Batch("odd", 2, ["x", "z"])]
    )
    assert outcomes == [Append.RETRY, Append.APPENDED, Append.RETRY]


async def test_a_log_expires_a_day_after_its_begin_or_an_hour_after_its_end(log: Log) -> None:
    assert LIVE_SECS - 10 < await redis_client.client().ttl(key("r1")) <= LIVE_SECS
    await log.append(Batch("r1", 2, ["the end"]), last=True)
    assert ENDED_SECS - 10 < await redis_client.client().ttl(key("r1")) <= ENDED_SECS


async def test_a_log_adds_up_to_the_state_that_wrote_it(log: Log) -> None:
    writer = await written(log, "Hello")
    await log.append(Batch.of("r1", writer.add(", world")))
    await log.append(Batch.of("r1", writer.finish(Ending("completed", at=5.0))))
    read = await log.state("r1")
    assert read is not None
    assert (read.ended, read.text(), read.next) == (writer.state.ended, "Hello, world", writer.state.next)


async def test_a_log_that_is_opened_again_has_higher_numbers_than_the_lost_one(log: Log) -> None:
    assert await log.reopened(RESPONSE, 0) == await log.state("r1")
    await log._redis.delete(key("r1"))
    reopened = await log.reopened(RESPONSE, 1)
    assert reopened is not None
    assert reopened.next == EPOCH_SIZE + 2
