"""The log, on a real Valkey: the id is the fence, and a batch goes in whole or not at all."""

import pytest

from chat.protocol.events import JSON, Completed, Created, Failed, Incomplete, Queued, decode, encode
from chat.protocol.state import Ending, ResponseState
from chat.transport import redis_client
from chat.transport.event_log import ENDED_SECS, LIVE_SECS, Append, Batch, Entry, Log, LogError, key

RESPONSE: JSON = {
    "id": "r1",
    "object": "response",
    "status": "queued",
    "output": [],
    "error": None,
    "usage": None,
}


@pytest.fixture
async def log(redis_url: str) -> Log:
    """An empty log of the response `r1`."""
    log = Log(redis_client.client())
    opening = [Created(sequence_number=0, response=RESPONSE), Queued(sequence_number=1, response=RESPONSE)]
    assert await log.create("r1", opening)
    return log


async def test_a_log_can_be_created_once(log: Log) -> None:
    assert not await log.create("r1", [Created(sequence_number=0, response=RESPONSE)])


async def test_entries_are_read_in_order_after_a_cursor(log: Log) -> None:
    await log.append(Batch("r1", 2, ["two", "three"]))
    assert [entry.sequence_number for entry in await log.read("r1")] == [0, 1, 2, 3]
    assert [entry.event for entry in await log.read("r1", after=1)] == ["two", "three"]
    assert await log.read("r1", after=3) == []
    assert await log.top("r1") == 3


async def test_the_second_of_two_writers_is_refused(log: Log) -> None:
    assert await log.append(Batch("r1", 2, ["mine"])) is Append.APPENDED
    assert await log.append(Batch("r1", 2, ["yours"])) is Append.CONFLICT
    assert [entry.event for entry in await log.read("r1", after=1)] == ["mine"]


async def test_a_refused_batch_leaves_none_of_its_events(log: Log) -> None:
    await log.append(Batch("r1", 2, ["the end"]))
    assert await log.append(Batch("r1", 2, ["late", "later", "latest"])) is Append.CONFLICT
    assert await log.top("r1") == 2


async def test_a_batch_that_would_leave_a_hole_is_told_that_something_is_missing(log: Log) -> None:
    assert await log.append(Batch("r1", 3, ["after a hole"])) is Append.GAP
    assert await log.append_each([Batch("r1", 3, ["after a hole"])]) == [Append.GAP]
    assert await log.top("r1") == 1


@pytest.mark.parametrize("lost", ["all", "the latest events"])
async def test_what_redis_lost_is_restored_under_a_later_number(log: Log, lost: str) -> None:
    if lost == "all":
        await log._redis.delete(key("r1"))
    assert await log.restore(Batch("r1", 9, ["all that came before"]))
    assert await log.append(Batch("r1", 10, ["and so on"])) is Append.APPENDED
    assert [entry.event for entry in await log.read("r1", after=1)] == ["all that came before", "and so on"]
    assert 0 < await log._redis.ttl(key("r1")) <= LIVE_SECS


async def test_what_another_writer_went_on_with_is_not_restored(log: Log) -> None:
    await log.append(Batch("r1", 2, ["mine", "mine"]))
    assert not await log.restore(Batch("r1", 3, ["yours"]))
    assert await log.top("r1") == 3


@pytest.mark.parametrize("kind", [Completed, Incomplete, Failed])
async def test_after_an_end_nothing_is_appended_or_restored(log: Log, kind: type[Completed]) -> None:
    end = encode(kind(sequence_number=2, response=RESPONSE))
    assert await log.append(Batch("r1", 2, [end]), last=True) is Append.APPENDED
    assert await log.append(Batch("r1", 3, ["more"])) is Append.CONFLICT
    assert await log.append_each([Batch("r1", 3, ["more"])]) == [Append.CONFLICT]
    assert not await log.restore(Batch("r1", 9, ["all of it, and more"]))
    assert await log.top("r1") == 2


async def test_a_redis_that_is_full_raises_or_says_so_for_each_batch(log: Log) -> None:
    await log._redis.config_set("maxmemory", 1)
    try:
        assert await log.append_each([Batch("r1", 2, ["a"])]) == [Append.RETRY]
        for writing in (
            log.append(Batch("r1", 2, ["a"])),
            log.restore(Batch("r1", 2, ["a"])),
            log.create("r2", [Created(sequence_number=0, response=RESPONSE)]),
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
    await log.create("r2", [Created(sequence_number=0, response=RESPONSE | {"id": "r2"})])
    outcomes = await log.append_each(
        [
            Batch("r1", 2, ["a", "b"]),
            Batch("r2", 1, ["c"]),
            Batch("r2", 1, ["too late"]),
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
    assert [entry.event for entry in await log.read("r2", after=0)] == ["c"]


async def test_a_lost_log_is_noticed_and_not_begun_in_the_middle(log: Log) -> None:
    await redis_client.client().delete(key("r1"))
    assert await log.append(Batch("r1", 2, ["two"])) is Append.GAP
    assert await log.top("r1") is None


async def test_a_writer_whose_reply_was_lost_finds_its_own_events(log: Log) -> None:
    mine = Batch("r1", 2, ["two", "three"])
    assert await log.append_each([mine]) == [Append.APPENDED]
    assert await log.append_each([mine]) == [Append.CONFLICT]
    assert await log.holds(mine)
    assert not await log.holds(Batch("r1", 2, ["two", "yours"]))
    assert not await log.holds(Batch("r1", 3, ["three", "four"]))


async def test_the_last_entry_tells_whether_a_log_has_its_end(log: Log) -> None:
    await log.create("r2", [Created(sequence_number=0, response=RESPONSE | {"id": "r2"})])
    end = encode(Completed(sequence_number=2, response=RESPONSE))
    assert await log.ended(["r1", "r2", "gone"]) == []
    await log.append(Batch("r1", 2, [end]), last=True)
    assert await log.last("r1") == Entry(2, end)
    assert await log.last("gone") is None
    assert await log.ended(["r2", "r1", "gone"]) == ["r1"]


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


async def test_a_log_folds_into_the_draft_that_wrote_it(log: Log) -> None:
    draft = await log.draft("r1")
    assert draft is not None
    first = draft.next
    events = [*draft.begin(1), *draft.add("Hello"), *draft.close(Ending("completed", at=5.0))]
    await log.append(Batch("r1", first, [encode(event) for event in events]))
    read = await log.draft("r1")
    assert read == ResponseState.of(decode(entry.event) for entry in await log.read("r1"))
    assert read is not None
    assert read.ended == draft.ended
