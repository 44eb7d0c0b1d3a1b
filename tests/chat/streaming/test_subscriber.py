"""Following, on a real Valkey: each event once and in order, whatever happens to the hints."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from chat.models import Response, Status
from chat.protocol.composer import Ending
from chat.protocol.errors import CommandError
from chat.protocol.output import output_text
from chat.responses.ending import end
from chat.responses.representation import response_object
from chat.streaming import subscriber
from chat.streaming.backpressure import ClientConnection
from chat.streaming.subscriber import Subscriber
from chat.transport import redis_client
from chat.transport.event_log import Entry, Log, LogError, key
from chat.transport.notifications import events_message, group, notify_readers
from tests.chat.answers import Answer
from tests.chat.rows import on_rows, stored
from tests.harness.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)

Frame = dict[str, Any]
ENOUGH = 10_000  # frames: more than any test sends


async def _unused(_: Any) -> None:
    pytest.fail("the follower sends through what it was given")


class Reader:
    """A socket in small: its frames, and the hints that it gets."""

    def __init__(self, layer: Any, channel: str, log: Log) -> None:
        self.layer, self.channel = layer, channel
        self.texts: list[str] = []
        self.room = ENOUGH
        self.peer = ClientConnection(_unused)
        self.follower = Subscriber(channel, self._take, log, self.peer)

    async def _take(self, text: str) -> None:
        self.texts.append(text)
        self.room -= 1
        self.peer.paused = self.room <= 0

    def read(self, room: int = ENOUGH) -> None:
        """Read what came; so many more frames fit then."""
        self.room, self.peer.paused = room, room <= 0
        if not self.peer.paused:
            self.peer.on_resume()

    @property
    def frames(self) -> list[Frame]:
        return [json.loads(text) for text in self.texts]

    @property
    def numbers(self) -> list[int]:
        """The sequence numbers of the response's own events."""
        return [frame["sequence_number"] for frame in self.frames if frame["type"].startswith("response.")]

    def of(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == kind]

    async def listen(self) -> None:
        """Take hints, as the consumer does."""
        while True:
            await self.follower.on_notification(await self.layer.receive(self.channel))

    async def until(self, condition: Callable[[], object], what: str) -> None:
        async def met() -> object:
            return condition()

        await await_until(met, 5, what)

    async def until_number(self, number: int) -> None:
        await self.until(lambda: number in self.numbers, f"event {number}")


@pytest.fixture
async def reader(layer: Any, log: Log) -> AsyncIterator[Reader]:
    """A reader that listens."""
    reader = Reader(layer, await layer.new_channel(), log)
    listening = asyncio.create_task(reader.listen())
    yield reader
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
    await reader.follower.close()


@pytest.fixture
async def answer(log: Log, response: Response) -> Answer:
    """An answer that has begun: events 0 to 2."""
    return await Answer.begun(log, response)


@pytest.fixture(autouse=True)
def _seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """No check of the log comes to the help of what is tested."""
    monkeypatch.setattr(subscriber, "CHECK_SECS", 600)


@pytest.fixture
def often(_seldom: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the log all the time."""
    monkeypatch.setattr(subscriber, "CHECK_SECS", 0.02)


async def members(response_id: str) -> int:
    """How many processes are in the group of the response."""
    ((_, count),) = await redis_client.client().pubsub_numsub(f"asgi__group__{group(response_id)}")
    return int(count)


async def test_who_begins_reads_the_log_and_goes_on_with_hints(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    assert reader.numbers == [0, 1, 2]
    first = await answer.add("Two ")
    await answer.add("metres.")
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == list(range(answer.state.next))
    assert reader.texts[3:6] == first.events  # unparsed: what stands in the log is what is sent


class _Busy(Log):
    """A log to which its writer adds just after each read."""

    answer: Answer

    async def read(self, response_id: str, after: int = -1, count: int | None = None) -> list[Entry]:
        entries = await super().read(response_id, after, count)
        await self.answer.add("more")
        return entries


async def test_an_event_that_comes_right_after_the_read_is_not_missed(
    layer: Any, reader: Reader, answer: Answer
) -> None:
    busy = _Busy(redis_client.client())
    busy.answer = answer
    reader.follower._log = busy
    await reader.follower.start(answer.id, None)
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == list(range(answer.state.next))


class _Late(Log):
    """A log to which its writer adds just before each read."""

    answer: Answer

    async def read(self, response_id: str, after: int = -1, count: int | None = None) -> list[Entry]:
        await self.answer.add("more")
        return await super().read(response_id, after, count)


async def test_an_event_that_is_both_read_and_hinted_at_comes_once(reader: Reader, answer: Answer) -> None:
    late = _Late(redis_client.client())
    late.answer = answer
    reader.follower._log = late
    await reader.follower.start(answer.id, None)
    await answer.add("the last")
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == list(range(answer.state.next))


async def test_after_a_lost_hint_the_log_is_read(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    await answer.add("lost ", notify=False)
    await answer.add("lost too ", notify=False)
    await answer.add("heard")
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == list(range(answer.state.next))


async def test_a_doubled_hint_is_dropped(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    batch = await answer.add("once")
    await notify_readers([batch, batch])
    await answer.add("more")
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == list(range(answer.state.next))


@pytest.mark.usefixtures("often")
async def test_the_last_hint_is_not_needed(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    await answer.add("lost", notify=False)
    await reader.until_number(answer.state.next - 1)
    await answer.close(notify=False)
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == list(range(answer.state.next))


async def test_who_comes_back_gets_what_it_has_not_seen(reader: Reader, answer: Answer) -> None:
    await answer.add("Two ")
    await reader.follower.subscribe(answer.id, 3, None)
    assert [frame["type"] for frame in reader.frames] == [
        "response.content_part.added",
        "response.output_text.delta",
        "tailrace:up_to_date",
    ]
    assert reader.frames[-1] == {"type": "tailrace:up_to_date", "response_id": answer.id, "latest": 5}


async def test_who_has_seen_everything_gets_nothing_twice(reader: Reader, answer: Answer) -> None:
    await reader.follower.subscribe(answer.id, 2, None)
    assert [frame["type"] for frame in reader.frames] == ["tailrace:up_to_date"]


async def test_a_late_reader_gets_the_text_so_far_in_one_frame(reader: Reader, answer: Answer) -> None:
    await answer.add("Two ")
    await answer.add("me")
    await reader.follower.subscribe(answer.id, None, None)
    snapshot, up_to_date = reader.frames
    assert (snapshot["type"], snapshot["sequence_number"]) == ("tailrace:snapshot", answer.state.next - 1)
    assert output_text(snapshot["response"]) == "Two me"
    assert up_to_date["latest"] == snapshot["sequence_number"]
    await answer.add("tres.")
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == [answer.state.next - 1]


async def test_a_cursor_beyond_the_log_gets_a_snapshot(reader: Reader, answer: Answer) -> None:
    await answer.add("Two ")
    await reader.follower.subscribe(answer.id, 999, None)
    (snapshot,) = reader.of("tailrace:snapshot")
    assert output_text(snapshot["response"]) == "Two "
    await answer.add("metres.")
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == [answer.state.next - 1]


async def test_a_cursor_older_than_the_log_gets_a_snapshot(reader: Reader, answer: Answer, log: Log) -> None:
    await answer.add("Two ")
    await redis_client.client().delete(key(answer.id))
    await answer.restore()  # as a worker does that notices
    await reader.follower.subscribe(answer.id, 2, None)
    assert [frame["type"] for frame in reader.frames] == ["tailrace:snapshot", "tailrace:up_to_date"]
    assert output_text(reader.frames[0]["response"]) == "Two "


async def test_while_the_log_is_gone_its_reader_keeps_what_it_has(
    reader: Reader, answer: Answer, log: Log
) -> None:
    await reader.follower.start(answer.id, None)
    await answer.add("Two ")
    await reader.until_number(answer.state.next - 1)
    await redis_client.client().delete(key(answer.id))
    (followed,) = reader.follower._followed.values()
    await reader.follower._check(followed)
    assert reader.of("tailrace:snapshot") == []
    await answer.restore()  # its hint is lost
    await reader.follower._check(followed)
    (snapshot,) = reader.of("tailrace:snapshot")
    assert output_text(snapshot["response"]) == "Two "
    assert snapshot["sequence_number"] == reader.numbers[-1] + 1


async def test_who_comes_while_the_log_is_gone_gets_the_row_and_then_the_text(
    reader: Reader, answer: Answer, log: Log
) -> None:
    await answer.add("Two ")
    await redis_client.client().delete(key(answer.id))
    await reader.follower.subscribe(answer.id, None, None)
    assert [frame["type"] for frame in reader.frames] == ["tailrace:snapshot", "tailrace:up_to_date"]
    assert output_text(reader.frames[0]["response"]) == ""
    await answer.restore()
    await answer.add("metres.")
    await reader.until(lambda: len(reader.frames) == 3, "another frame")
    assert output_text(reader.frames[2]["response"]) == "Two metres."


@pytest.fixture
def ended(owner: User) -> Response:
    """A response whose log is long gone."""
    return stored(owner, status=Status.COMPLETED, output="Two metres.", reasoning="Deep…")


@pytest.mark.parametrize("cursor", [None, -1, 7])
async def test_without_a_log_the_row_tells_the_whole(
    reader: Reader, ended: Response, cursor: int | None
) -> None:
    await reader.follower.subscribe(str(ended.pk), cursor, None)
    snapshot, up_to_date = reader.frames
    assert snapshot["type"] == "tailrace:snapshot"
    assert snapshot["response"] == response_object(ended)
    assert snapshot["sequence_number"] == up_to_date["latest"] == max(cursor or 0, 0)
    assert await members(str(ended.pk)) == 0


async def test_the_end_ends_the_following(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    assert await members(answer.id) == 1
    await answer.close()
    await reader.until_number(answer.state.next - 1)

    async def left() -> bool:
        return await members(answer.id) == 0

    await await_until(left, 5, "the group is left")


async def test_an_ended_log_is_read_to_its_end_and_not_followed(reader: Reader, answer: Answer) -> None:
    await answer.add("Two metres.", notify=False)
    await answer.close(notify=False)
    await reader.follower.subscribe(answer.id, -1, None)
    assert reader.numbers == list(range(answer.state.next))
    assert await members(answer.id) == 0


async def test_who_has_seen_the_end_already_does_not_follow(reader: Reader, answer: Answer) -> None:
    await answer.close(notify=False)
    await reader.follower.subscribe(answer.id, answer.state.next - 1, None)
    assert [frame["type"] for frame in reader.frames] == ["tailrace:up_to_date"]
    assert await members(answer.id) == 0


async def test_what_cannot_be_read_is_not_followed(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "MAX_SUBSCRIPTIONS", 1)
    await redis_client.client().delete(key(answer.id))
    await redis_client.client().set(key(answer.id), "not a log")
    with pytest.raises(LogError):
        await reader.follower.subscribe(answer.id, None, None)
    reader.follower.require_room()
    assert reader.layer.groups == {}


async def test_who_leaves_hears_no_more(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    await reader.follower.unsubscribe(answer.id)
    batch = await answer.add("unheard")
    await reader.follower.on_notification(
        {"response_id": answer.id, "first": batch.first, "events": batch.events}
    )
    assert reader.numbers == [0, 1, 2]
    assert await members(answer.id) == 0


async def test_who_closes_leaves_every_group(
    reader: Reader, answer: Answer, ended: Response, log: Log
) -> None:
    other = await Answer.begun(log, ended)
    for followed in (answer, other):
        await reader.follower.start(followed.id, None)
    await reader.follower.close()
    assert [await members(answer.id), await members(other.id)] == [0, 0]


async def test_a_stream_id_stands_in_every_frame(reader: Reader, answer: Answer) -> None:
    await answer.add("Two ")
    await reader.follower.subscribe(answer.id, None, '"s"')
    await answer.add("metres.")
    await answer.close()
    await reader.until_number(answer.state.next - 1)
    assert len(reader.frames) > 3
    assert {frame["stream_id"] for frame in reader.frames} == {'"s"'}


async def test_who_subscribes_again_goes_on_from_the_new_cursor(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, "one")
    reader.texts.clear()
    await reader.follower.subscribe(answer.id, 0, "two")
    assert reader.numbers == [1, 2]
    assert {frame["stream_id"] for frame in reader.frames} == {"two"}


async def test_silence_gets_a_heartbeat_and_text_does_not(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    (followed,) = reader.follower._followed.values()
    await reader.follower._check(followed)
    assert reader.of("tailrace:heartbeat") == []  # the opening came since
    await reader.follower._check(followed)
    heartbeat = {"type": "tailrace:heartbeat", "response_id": answer.id, "latest": 2}
    assert reader.of("tailrace:heartbeat") == [heartbeat]
    await answer.add("text")
    await reader.until_number(answer.state.next - 1)
    await reader.follower._check(followed)
    assert reader.of("tailrace:heartbeat") == [heartbeat]


@pytest.mark.usefixtures("often")
async def test_heartbeats_go_on_while_nothing_comes(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    await reader.until(lambda: len(reader.of("tailrace:heartbeat")) >= 3, "three heartbeats")
    assert reader.numbers == [0, 1, 2]


@pytest.mark.usefixtures("often")
async def test_the_end_is_the_last_word(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    await answer.close(notify=False)
    await reader.until_number(answer.state.next - 1)
    checks = reader.follower._checks
    assert checks is not None
    await asyncio.wait_for(checks, 5)
    assert reader.frames[-1]["type"] == "response.completed"


async def test_after_the_end_that_the_row_tells_there_is_no_heartbeat(
    reader: Reader, answer: Answer, response: Response
) -> None:
    await reader.follower.start(answer.id, None)
    (followed,) = reader.follower._followed.values()
    await reader.follower._check(followed)
    await redis_client.client().delete(key(answer.id))
    await on_rows(Response.objects.filter(pk=response.pk).update, status=Status.CANCELLED)
    await reader.follower._check(followed)
    assert reader.frames[-1]["type"] == "tailrace:snapshot"
    assert reader.frames[-1]["response"]["status"] == "cancelled"


@pytest.mark.usefixtures("often")
async def test_a_response_that_is_gone_does_not_stop_the_checks_of_the_others(
    reader: Reader, answer: Answer, ended: Response, log: Log
) -> None:
    gone = await Answer.begun(log, ended)
    for followed in (gone, answer):
        await reader.follower.start(followed.id, None)
    await redis_client.client().delete(key(gone.id))
    await on_rows(Response.objects.filter(pk=ended.pk).delete)
    await reader.until(lambda: len(reader.of("tailrace:heartbeat")) >= 3, "heartbeats of the other")
    await answer.add("found by a check", notify=False)
    await reader.until(lambda: answer.state.next - 1 in reader.numbers, "what a check finds")


async def test_a_socket_follows_so_many_and_no_more(
    reader: Reader, answer: Answer, ended: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "MAX_SUBSCRIPTIONS", 1)
    await reader.follower.start(answer.id, None)
    with pytest.raises(CommandError) as refused:
        await reader.follower.subscribe(str(ended.pk), None, None)
    assert refused.value.code == "too_many_followed"
    await reader.follower.subscribe(answer.id, 2, None)  # the one that it has it may take again
    await reader.follower.unsubscribe(answer.id)
    await reader.follower.subscribe(str(ended.pk), None, None)
    assert reader.of("tailrace:snapshot")


async def test_who_does_not_read_is_sent_nothing_and_catches_up_when_it_reads(
    reader: Reader, answer: Answer
) -> None:
    await reader.follower.start(answer.id, None)
    (followed,) = reader.follower._followed.values()
    reader.read(room=0)
    for number in range(3):
        await answer.add(f"{number} ")
    await reader.until(lambda: followed.held, "a hint is left out")
    await answer.close()
    assert reader.numbers == [0, 1, 2]
    reader.read()
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == list(range(answer.state.next))


async def test_a_hint_that_waited_while_its_reader_left_says_nothing(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    told = len(reader.texts)
    async with reader.follower._lock:
        hint = asyncio.create_task(reader.follower.on_notification(events_message(answer.id, 3, ["{}"])))
        await reader.until(lambda: reader.follower._lock._waiters, "the hint waits")
        await reader.follower.unsubscribe(answer.id)
    await hint
    assert len(reader.texts) == told


async def test_a_hint_goes_on_as_far_as_the_client_reads(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    reader.read(room=1)
    await answer.add("Two ")  # three events
    await reader.until_number(3)
    (followed,) = reader.follower._followed.values()
    assert (reader.numbers, followed.place.last) == ([0, 1, 2, 3], 3)
    await answer.close()
    reader.read()
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == list(range(answer.state.next))


async def test_a_long_log_is_read_in_chunks_and_as_far_as_the_client_reads(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "CHUNK", 3)
    for number in range(20):
        await answer.add(f"{number} ", notify=False)
    reader.read(room=4)
    await reader.follower.subscribe(answer.id, -1, None)
    while not reader.of("tailrace:up_to_date"):
        seen = len(reader.texts)
        await reader.until(lambda: reader.peer.paused or reader.of("tailrace:up_to_date"), "it is full")
        assert len(reader.texts) - seen <= 4
        reader.read(room=4)
    assert reader.numbers == list(range(answer.state.next))
    assert [frame["type"] for frame in reader.frames].index("tailrace:up_to_date") == len(reader.frames) - 1


async def test_a_log_of_exactly_one_chunk_is_up_to_date_once(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "CHUNK", 3)  # events 0 to 2
    await reader.follower.subscribe(answer.id, -1, None)
    await answer.add("Two ")
    await reader.until_number(answer.state.next - 1)
    await reader.until(lambda: reader.of("tailrace:up_to_date"), "it is up to date")
    assert reader.numbers == list(range(answer.state.next))
    assert len(reader.of("tailrace:up_to_date")) == 1


async def test_a_snapshot_waits_until_the_client_reads(reader: Reader, answer: Answer) -> None:
    await answer.add("Two ", notify=False)
    reader.read(room=0)
    await reader.follower.subscribe(answer.id, None, None)
    assert reader.texts == []
    await answer.add("metres.", notify=False)
    reader.read()
    await reader.until(lambda: reader.of("tailrace:up_to_date"), "it is up to date")
    assert output_text(reader.frames[0]["response"]) == "Two metres."


async def test_who_does_not_read_gets_no_heartbeat(reader: Reader, answer: Answer) -> None:
    await reader.follower.start(answer.id, None)
    (followed,) = reader.follower._followed.values()
    reader.read(room=0)
    for _ in range(3):
        await reader.follower._check(followed)
    assert reader.of("tailrace:heartbeat") == []


async def test_who_acknowledges_is_not_sent_much_more_than_it_has_read(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "ACK_WINDOW", 2)
    await reader.follower.start(answer.id, None)
    (followed,) = reader.follower._followed.values()
    reader.follower.acknowledge(answer.id, 0)
    await answer.add("Two ")
    await reader.until(lambda: followed.held, "it is held")
    assert reader.numbers == [0, 1, 2]
    reader.follower.acknowledge(answer.id, 2)
    await reader.until_number(answer.state.next - 1)
    assert reader.numbers == list(range(answer.state.next))


async def test_what_could_not_be_read_at_once_is_found_by_the_check(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.read(room=0)
    await reader.follower.subscribe(answer.id, 2, None)
    (followed,) = reader.follower._followed.values()
    assert followed.held

    async def away(*args: Any, **kwargs: Any) -> list[Entry]:
        raise LogError

    with monkeypatch.context() as broken:
        broken.setattr(reader.follower._log, "read", away)
        reader.read()
        await reader.until(lambda: not followed.held, "it was tried")
    await reader.follower._check(followed)
    assert [frame["type"] for frame in reader.frames] == ["tailrace:up_to_date"]


@pytest.fixture
async def without_end(log: Log, answer: Answer) -> Answer:
    """An answer whose row has the end and whose log lacks it: Redis is back with older data."""
    await answer.add("Two ", notify=False)
    await log._redis.copy(key(answer.id), "older")
    await answer.add("metres.", notify=False)
    await end(log, await saved(answer.id), Ending("completed", at=5.0))
    await log._redis.copy("older", key(answer.id), replace=True)
    await log._redis.delete("older")
    return answer


@pytest.mark.parametrize("cursor", [None, -1, 3, 999])
async def test_an_end_that_redis_lost_is_told_from_the_row(
    reader: Reader, without_end: Answer, cursor: int | None
) -> None:
    await reader.follower.subscribe(without_end.id, cursor, None, row_ended=True)
    *_, snapshot, up_to_date = reader.frames
    assert (snapshot["type"], up_to_date["type"]) == ("tailrace:snapshot", "tailrace:up_to_date")
    assert snapshot["response"]["status"] == "completed"
    assert output_text(snapshot["response"]) == "Two metres."
    assert snapshot["sequence_number"] >= max(reader.numbers, default=0)
    assert await members(without_end.id) == 0


async def test_who_begins_again_what_has_ended_gets_the_end_too(reader: Reader, without_end: Answer) -> None:
    await reader.follower.start(without_end.id, None, row_ended=True)
    assert output_text(reader.frames[-1]["response"]) == "Two metres."


async def test_a_long_log_without_its_end_is_told_from_the_row_after_its_last_chunk(
    reader: Reader, without_end: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "CHUNK", 2)
    await reader.follower.subscribe(without_end.id, -1, None, row_ended=True)
    await reader.until(lambda: reader.of("tailrace:up_to_date"), "it is up to date")
    assert output_text(reader.of("tailrace:snapshot")[0]["response"]) == "Two metres."


async def test_a_log_with_its_end_is_told_from_the_log(reader: Reader, answer: Answer) -> None:
    await answer.close(notify=False)
    await reader.follower.subscribe(answer.id, -1, None, row_ended=True)
    assert reader.of("tailrace:snapshot") == []
    assert reader.frames[-2]["type"] == "response.completed"


async def test_who_followed_while_redis_lost_the_end_is_told_after_some_silence(
    reader: Reader, answer: Answer, log: Log
) -> None:
    await reader.follower.subscribe(answer.id, -1, None)
    (followed,) = reader.follower._followed.values()
    await log._redis.copy(key(answer.id), "older")
    await on_rows(Response.objects.filter(pk=answer.id).update, status=Status.COMPLETED, output="Two metres.")
    for _ in range(subscriber.SILENT_CHECKS + 2):
        assert reader.of("tailrace:snapshot") == []
        await reader.follower._check(followed)
    (snapshot,) = reader.of("tailrace:snapshot")
    assert output_text(snapshot["response"]) == "Two metres."
    assert reader.frames[-1] == snapshot


async def test_the_row_of_a_running_answer_is_asked_only_after_silence(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def row_has_end(followed: Any) -> bool:
        asked.append(followed)
        return False

    monkeypatch.setattr(reader.follower, "_row_has_end", row_has_end)
    await reader.follower.start(answer.id, None)
    (followed,) = reader.follower._followed.values()
    for _ in range(3 * subscriber.SILENT_CHECKS):
        for _ in range(subscriber.SILENT_CHECKS - 1):
            await reader.follower._check(followed)
        await answer.add("text ")
        await reader.until_number(answer.state.next - 1)
        await reader.follower._check(followed)
    assert asked == []
    for _ in range(subscriber.SILENT_CHECKS + 1):
        await reader.follower._check(followed)
    assert asked == [followed]


@pytest.fixture
async def waiting(log: Log, response: Response) -> Response:
    """A response that waits for a worker, behind nobody."""
    await log.create(response_object(response))
    return response


def positions(reader: Reader) -> list[int]:
    return [frame["position"] for frame in reader.of("tailrace:queue")]


async def test_a_place_in_the_queue_is_told_when_it_changes(
    reader: Reader, owner: User, waiting: Response
) -> None:
    before = waiting.queued_at - timedelta(seconds=1)
    ahead = [await on_rows(stored, owner, queued_at=before) for _ in range(2)]
    await reader.follower.start(str(waiting.pk), "s")
    await reader.follower.send_queue_position(str(waiting.pk), least=1)
    for row in ahead:
        await reader.follower.send_queue_position(str(waiting.pk))
        await on_rows(Response.objects.claim, str(row.pk), "w1")
        await reader.follower.send_queue_position(str(waiting.pk))
    assert positions(reader) == [2, 1, 0]
    assert reader.frames[-1] == {
        "stream_id": "s",
        "type": "tailrace:queue",
        "response_id": str(waiting.pk),
        "position": 0,
    }


async def test_who_is_next_is_not_told_so_at_once(reader: Reader, waiting: Response) -> None:
    await reader.follower.start(str(waiting.pk), None)
    await reader.follower.send_queue_position(str(waiting.pk), least=1)
    assert positions(reader) == []


@pytest.mark.usefixtures("often")
async def test_the_regular_check_tells_who_still_waits(reader: Reader, waiting: Response) -> None:
    await reader.follower.start(str(waiting.pk), None)
    await reader.until(lambda: len(reader.of("tailrace:heartbeat")) >= 3, "three checks")
    assert positions(reader) == [0]


async def test_the_database_is_not_asked_for_the_place_of_what_runs(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(subscriber, "position", asked.append)
    await reader.follower.start(answer.id, None)
    await reader.follower.send_queue_position(answer.id)
    await reader.follower.unsubscribe(answer.id)
    await reader.follower.send_queue_position(answer.id)
    assert asked == []


async def test_what_starts_while_its_place_is_looked_up_has_none(
    reader: Reader, log: Log, waiting: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    response_id, looked, started = str(waiting.pk), threading.Event(), threading.Event()

    def slow(response_id: str) -> int:
        looked.set()
        started.wait(5)
        return 3

    monkeypatch.setattr(subscriber, "position", slow)
    await reader.follower.start(response_id, None)
    telling = asyncio.create_task(reader.follower.send_queue_position(response_id))
    await asyncio.to_thread(looked.wait, 5)
    await (await Answer.of(log, response_id)).start()
    await reader.until_number(2)
    started.set()
    await telling
    assert positions(reader) == []


async def test_without_the_database_a_place_in_the_queue_is_left_out(
    reader: Reader, waiting: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(response_id: str) -> int:
        raise OperationalError

    monkeypatch.setattr(subscriber, "position", away)
    await reader.follower.start(str(waiting.pk), None)
    await reader.follower.send_queue_position(str(waiting.pk))
    assert positions(reader) == []


async def test_who_does_not_read_is_told_no_place(reader: Reader, waiting: Response) -> None:
    await reader.follower.start(str(waiting.pk), None)
    reader.read(room=0)
    await reader.follower.send_queue_position(str(waiting.pk))
    assert positions(reader) == []
