"""Ending: the first terminal event in the log ends the response, and the row takes its end from there."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.models import Response, Status
from chat.protocol.composer import Ending
from chat.protocol.errors import ProtocolError
from chat.protocol.events import TERMINAL, Snapshot, decode
from chat.protocol.output import output_text
from chat.protocol.replay import replay
from chat.responses import ending
from chat.responses.ending import conclude, end, settle, settle_if_ended
from chat.responses.representation import response_object
from chat.transport import redis_client
from chat.transport.event_log import ENDED_SECS, Append, Batch, Log, key
from chat.transport.notifications import WORKERS, cancel_message
from project.up import ports, valkey
from tests.chat.answers import Answer
from tests.chat.rows import saved, stored
from tests.harness.waiting import deadline

pytestmark = pytest.mark.django_db(transaction=True)

DONE = Ending("completed", at=5.0)
STOP = Ending("cancelled", at=6.0)
LOST = Ending("failed", at=7.0, error_code="worker_lost")
WORDS_PER_SEC = 100  # a fast model


@pytest.fixture
def running(owner: User) -> Response:
    """A response that a worker has."""
    return stored(owner, status=Status.IN_PROGRESS, attempt=1, worker="w1")


@pytest.fixture
def ended(owner: User) -> Response:
    """A response that has its end, and whose log is long gone."""
    return stored(owner, status=Status.COMPLETED, output="Two metres.")


@pytest.fixture
async def answer(log: Log, running: Response) -> Answer:
    """The text that its worker has written so far."""
    answer = await Answer.begun(log, running)
    await answer.add("Two me")
    return answer


async def ends(log: Log, response_id: str) -> list[str]:
    """The status of the terminal event that the log ends with; there is no other."""
    *before, last = [decode(entry.event) for entry in await log.read(response_id)]
    assert not any(isinstance(event, TERMINAL) for event in before)
    return [last.response["status"]] if isinstance(last, TERMINAL) else []


async def test_a_writer_ends_its_response_in_the_log(log: Log, answer: Answer) -> None:
    final = await conclude(log, answer.state, DONE)
    assert final is not None
    assert (final.response["status"], output_text(final.response)) == ("completed", "Two me")
    assert await ends(log, answer.id) == ["completed"]
    assert 0 < await log._redis.ttl(key(answer.id)) <= ENDED_SECS


async def test_a_settled_log_is_kept_for_minutes_and_an_unsettled_one_for_an_hour(
    log: Log, answer: Answer, running: Response
) -> None:
    final = await conclude(log, answer.state, DONE)
    assert final is not None
    assert await log._redis.ttl(key(answer.id)) > ENDED_SECS - 10
    await settle(final)
    assert 290 < await log._redis.ttl(key(answer.id)) <= 300


async def test_a_title_is_requested_after_all_others_were_served(
    log: Log, answer: Answer, running: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noted(name: str) -> Any:
        async def note(*_: Any) -> None:
            done.append(name)

        return note

    for name in ("announce_response", "send_next", "_expire_log", "request_title"):
        monkeypatch.setattr(ending, name, noted(name))
    final = await conclude(log, answer.state, DONE)
    assert final is not None
    await settle(final)
    assert done[-1] == "request_title"
    assert len(done) == 4


async def test_a_response_is_settled_while_redis_is_unavailable(
    log: Log, answer: Answer, running: Response, settings: Settings
) -> None:
    final = await conclude(log, answer.state, DONE)
    assert final is not None
    await redis_client.close()
    settings.TAILRACE_LOG_URL = valkey.url(ports.pick_free())
    await settle(final)
    assert (await saved(running.pk)).status == Status.COMPLETED


async def test_stop_ends_log_and_row_with_the_text_so_far(
    log: Log, answer: Answer, running: Response
) -> None:
    final = await end(log, running.wire_id, STOP)
    assert final is not None
    assert (final.response["status"], output_text(final.response)) == ("cancelled", "Two me")
    assert await ends(log, answer.id) == ["cancelled"]
    row = await saved(answer.id)
    assert (row.status, row.output) == ("cancelled", "Two me")


async def test_an_end_notifies_the_readers(log: Log, layer: Any, answer: Answer, running: Response) -> None:
    channel = await layer.new_channel()
    await layer.group_add(f"response.{answer.id}", channel)
    await end(log, running.wire_id, STOP)
    notification = await asyncio.wait_for(layer.receive(channel), deadline())
    assert decode(notification["events"][-1]).type == "response.incomplete"
    assert notification["first"] + len(notification["events"]) - 1 == await log.top(answer.id)


async def test_an_end_from_outside_stops_the_workers(
    log: Log, layer: Any, answer: Answer, running: Response
) -> None:
    channel = await layer.new_channel()
    await layer.group_add(WORKERS, channel)
    await end(log, running.wire_id, STOP)
    assert await asyncio.wait_for(layer.receive(channel), deadline()) == cancel_message(answer.id)


async def test_the_loser_gets_the_end_that_the_winner_wrote(
    log: Log, answer: Answer, running: Response
) -> None:
    await end(log, running.wire_id, STOP)
    late = await conclude(log, answer.state, DONE)
    assert late is not None
    assert late.response["status"] == "cancelled"
    assert await ends(log, answer.id) == ["cancelled"]


async def test_a_stop_after_the_end_changes_nothing(log: Log, answer: Answer, running: Response) -> None:
    await conclude(log, answer.state, DONE)
    final = await end(log, running.wire_id, STOP)
    assert final is not None
    assert final.response["status"] == "completed"
    assert (await saved(answer.id)).status == "completed"


async def test_an_end_is_written_after_text_that_came_in_between(log: Log, answer: Answer) -> None:
    seen_earlier = await log.state(answer.id)
    assert seen_earlier is not None
    await answer.add("tres.")
    final = await conclude(log, seen_earlier, STOP)
    assert final is not None
    assert output_text(final.response) == "Two metres."


async def test_of_many_at_once_one_ends_it_and_all_hear_the_same(
    log: Log, answer: Answer, running: Response
) -> None:
    state = await log.state(answer.id)
    assert state is not None
    finals = await asyncio.gather(
        conclude(log, state, DONE), *(end(log, running.wire_id, ending) for ending in (STOP, LOST, STOP))
    )
    (status,) = await ends(log, answer.id)
    assert [final.response["status"] for final in finals if final is not None] == [status] * 4
    assert (await saved(answer.id)).status == status


async def test_an_earlier_attempt_cannot_end_a_later_one(log: Log, answer: Answer) -> None:
    zombie = await log.state(answer.id)
    assert zombie is not None
    await answer.write(answer.writer.start(2))
    await answer.add("Three me")
    assert await conclude(log, zombie, DONE, attempt=1) is None
    later = await log.state(answer.id)
    assert later is not None
    assert (later.attempt, later.ended) == (2, None)


async def test_an_earlier_attempt_leaves_a_later_one_alone_that_passed_its_number_after_a_data_loss(
    log: Log, answer: Answer
) -> None:
    await log._redis.copy(key(answer.id), "older")
    await answer.add("tres, and more")
    zombie = answer.state
    await log._redis.copy("older", key(answer.id), replace=True)
    later = await Answer.of(log, answer.id)
    await later.start(2)
    while later.state.next <= zombie.next:
        await later.add("Three ")
    assert await conclude(log, zombie, DONE, attempt=1) is None
    read = await log.state(answer.id)
    assert read is not None
    assert (read.attempt, read.ended, read.text()) == (2, None, later.state.text())


async def test_an_earlier_attempt_gets_the_end_of_a_later_one(log: Log, answer: Answer) -> None:
    zombie = await log.state(answer.id)
    assert zombie is not None
    await answer.write(answer.writer.start(2))
    await answer.add("Three metres.")
    await answer.close()
    final = await conclude(log, zombie, LOST, attempt=1)
    assert final is not None
    assert (final.response["status"], output_text(final.response)) == ("completed", "Three metres.")


async def test_an_end_is_written_after_what_replaced_the_log(log: Log, answer: Answer) -> None:
    seen_earlier = await log.state(answer.id)
    await log._redis.delete(key(answer.id))
    answer.writer.add("tres.")
    await answer.restore()
    final = await conclude(log, seen_earlier, STOP)
    assert final is not None
    assert output_text(final.response) == "Two metres."


async def test_a_lost_log_is_begun_again_with_the_text_and_the_end(log: Log, answer: Answer) -> None:
    number = answer.state.next
    await log._redis.delete(key(answer.id))
    final = await conclude(log, answer.state, STOP)
    assert final is not None
    assert [entry.sequence_number for entry in await log.read(answer.id)] == [number - 1, number]
    read = await log.state(answer.id)
    assert read is not None
    assert read.terminal == final
    assert output_text(final.response) == "Two me"


async def test_a_log_that_came_back_without_its_latest_events_is_ended_with_all_the_text(
    log: Log, answer: Answer
) -> None:
    await log._redis.copy(key(answer.id), "older")
    await answer.add("tres.")
    await log._redis.copy("older", key(answer.id), replace=True)
    final = await conclude(log, answer.state, DONE)
    assert final is not None
    assert output_text(final.response) == "Two metres."
    state = await log.state(answer.id)
    assert state is not None
    assert state.terminal == final


async def test_without_a_log_the_row_is_ended(log: Log, running: Response) -> None:
    final = await end(log, running.wire_id, LOST)
    assert final is not None
    row = await saved(running.pk)
    assert (row.status, row.error_code, row.ended_at is not None) == ("failed", "worker_lost", True)
    assert final.response == response_object(row) | {"status": "failed", "completed_at": None}


async def test_a_lost_log_is_not_opened_again_for_a_row_that_has_ended_meanwhile(
    log: Log, answer: Answer
) -> None:
    await end(log, answer.id, STOP)
    await log._redis.delete(key(answer.id))
    assert await end(log, answer.id, LOST, attempt=1) is None
    assert await log.top(answer.id) is None


async def test_without_a_log_an_ended_row_keeps_its_end(log: Log, ended: Response) -> None:
    assert await end(log, ended.wire_id, STOP) is None
    row = await saved(ended.pk)
    assert (row.status, row.output) == ("completed", "Two metres.")


async def test_a_crash_between_log_and_row_is_settled_from_the_log(
    log: Log, answer: Answer, running: Response
) -> None:
    await conclude(log, answer.state, DONE)
    assert (await saved(answer.id)).status == Status.IN_PROGRESS
    await end(log, running.wire_id, LOST)
    row = await saved(answer.id)
    assert (row.status, row.output, row.error_code) == ("completed", "Two me", "")


async def test_the_row_is_settled_once(log: Log, answer: Answer, running: Response) -> None:
    await end(log, running.wire_id, STOP)
    settled = await saved(answer.id)
    await end(log, running.wire_id, LOST)
    assert (await saved(answer.id)).ended_at == settled.ended_at


async def test_a_queued_response_can_be_stopped(log: Log, response: Response) -> None:
    await Answer.begun(log, response)
    await end(log, response.wire_id, STOP)
    assert (await saved(response.pk)).status == "cancelled"


async def test_a_stop_wins_against_a_fast_writer_of_a_long_answer(
    log: Log, answer: Answer, running: Response
) -> None:
    await answer.write([event for number in range(2000) for event in answer.writer.add(f"w{number} ")])

    async def write_on() -> None:
        outcome = Append.APPENDED
        while outcome is Append.APPENDED:
            outcome = await log.append(Batch.of(answer.id, answer.writer.add("more ")))
            await asyncio.sleep(1 / WORDS_PER_SEC)

    async with asyncio.timeout(deadline()):
        _, final = await asyncio.gather(write_on(), end(log, running.wire_id, STOP))
    assert final is not None
    assert final.response["status"] == "cancelled"
    state = await log.state(answer.id)
    assert state is not None
    assert (state.terminal, state.text()) == (final, output_text(final.response))


async def test_the_worker_of_a_response_ends_it_although_its_log_cannot_be_read(
    log: Log, answer: Answer
) -> None:
    await log.append(Batch(answer.id, answer.state.next, ['{"type":"tailrace:of_the_future"}']))
    with pytest.raises(ProtocolError):  # Stop: a worker of another version may be writing
        await end(log, answer.id, STOP)
    final = await end(log, answer.id, LOST, attempt=1)
    assert final is not None
    assert final.response["status"] == (await saved(answer.id)).status == Status.FAILED
    assert await ends(log, answer.id) == ["failed"]
    first = (await log.read(answer.id))[0]
    assert first.sequence_number > answer.state.next  # above all that a writer may have used


async def test_a_settled_row_keeps_the_number_of_its_end(log: Log, answer: Answer, running: Response) -> None:
    final = await end(log, running.wire_id, STOP)
    assert final is not None
    row = await saved(running.pk)
    assert row.last_number == final.sequence_number == await log.top(answer.id)


async def test_an_end_that_another_writer_settles_has_the_same_number(
    log: Log, answer: Answer, running: Response
) -> None:
    await conclude(log, answer.state, DONE)  # and the worker is lost before it settles
    assert await settle_if_ended(log, answer.id)
    assert (await saved(running.pk)).last_number == await log.top(answer.id)


async def test_a_row_without_its_log_replays_the_end_with_its_number(
    log: Log, answer: Answer, running: Response
) -> None:
    await end(log, running.wire_id, DONE)
    terminal = decode((await log.read(answer.id))[-1].event)
    row = await saved(running.pk)
    assert row.last_number is not None
    final = response_object(row)
    snapshot = Snapshot(sequence_number=row.last_number, response_id=row.wire_id, response=final)
    assert replay(snapshot)[-1].sequence_number == terminal.sequence_number
