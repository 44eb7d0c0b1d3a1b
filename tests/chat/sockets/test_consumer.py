"""The socket: commands become rows, logs and jobs, or an error event and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from socket import create_server
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError
from pytest_django import Settings

from chat.accounts import sessions
from chat.ids import new_id
from chat.models import Response
from chat.protocol.commands import MAX_FRAME_BYTES
from chat.protocol.composer import Ending
from chat.protocol.output import output_text
from chat.responses.ending import end
from chat.responses.model_catalog import DEMO
from chat.sockets.consumer import ResponsesConsumer
from chat.streaming import subscriber
from chat.streaming.backpressure import ClientConnection
from chat.streaming.subscriber import Subscriber
from chat.transport import redis_client
from chat.transport.event_log import Batch, Log, key
from chat.transport.notifications import (
    WORKERS,
    Message,
    cancel_message,
    notify_owner_to_recheck,
    notify_readers,
    owner_message,
)
from project.celery import app as celery_app
from project.up import ports, valkey
from tests.chat.answers import Answer
from tests.chat.communicator import FRAME_SECS, PATH, Socket, heard_of, opened, put_out
from tests.chat.rows import counted, on_rows, saved, stored
from tests.harness import broker as broker_module
from tests.harness.broker import Broker
from tests.harness.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = {"model": DEMO, "input": "How deep is it?"}


@pytest.fixture
async def socket(owner: User, log: Log, broker: Broker) -> AsyncIterator[Socket]:
    """The owner's socket."""
    async with opened(owner) as socket:
        yield socket


async def created(socket: Socket, **fields: Any) -> str:
    """Ask, and give the id of the response that began."""
    await socket.say("response.create", **(ASKED | fields))
    begun = await socket.until("response.queued")
    assert [(frame["type"], frame["sequence_number"]) for frame in begun] == [
        ("response.created", 0),
        ("response.queued", 1),
    ]
    return str(begun[0]["response"]["id"])


async def queued(broker: Broker, count: int) -> list[broker_module.Message]:
    """The jobs in the queue, once there are so many."""

    async def enough() -> list[broker_module.Message] | None:
        jobs = broker.jobs()
        return jobs if len(jobs) == count else None

    jobs = await await_until(enough, 5, f"{count} jobs are queued")
    assert jobs is not None
    return jobs


async def test_a_question_becomes_a_row_a_log_and_a_job(socket: Socket, log: Log, broker: Broker) -> None:
    response_id = await created(socket)
    assert await queued(broker, 1) == [broker_module.Message("workers.generate", response_id, [response_id])]
    assert (await saved(response_id)).input_text == "How deep is it?"
    assert await log.top(response_id) == 1


async def test_what_the_worker_writes_reaches_the_socket_as_it_stands_in_the_log(
    socket: Socket, log: Log
) -> None:
    response_id = await created(socket)
    answer = await Answer.of(log, response_id)
    written: list[str] = []
    for events in (
        answer.writer.start(1),
        answer.writer.add("Zwei “Me"),
        answer.writer.add("ter."),
    ):
        written += (await answer.write(events)).events
    written += (await answer.close()).events
    assert [await socket.text() for _ in written] == written


async def test_two_questions_on_one_socket_are_told_apart_by_their_stream_ids(
    socket: Socket, log: Log
) -> None:
    ids = {}
    for stream_id in ("one", "two"):
        ids[stream_id] = await created(socket, stream_id=stream_id)
    for stream_id, response_id in ids.items():
        await (await Answer.of(log, response_id)).start()
        frame = (await socket.until("response.in_progress"))[-1]
        assert (frame["stream_id"], frame["response"]["id"]) == (stream_id, response_id)


async def test_every_frame_of_a_question_repeats_its_stream_id(socket: Socket) -> None:
    await socket.say("response.create", **ASKED, stream_id="s")
    assert {frame["stream_id"] for frame in await socket.until("response.queued")} == {"s"}


async def test_the_same_request_twice_is_one_job_and_is_followed_twice(
    socket: Socket, owner: User, broker: Broker
) -> None:
    once = {"client_request_id": "c"}
    response_id = await created(socket, tailrace=once)
    async with opened(owner) as again:
        assert await created(again, tailrace=once) == response_id
        await created(again)  # a job that comes after, so that a second one would be there by now
    assert [job.id for job in await queued(broker, 2)].count(response_id) == 1


NOTHING = "01234567-89ab-7def-8123-456789abcdef"
BAD: list[tuple[str | bytes, int, str, str | None]] = [
    (b"\x00\x01", 400, "binary_frame", None),
    (json.dumps({"type": "response.create", **ASKED}).encode(), 400, "binary_frame", None),
    ("nonsense", 400, "invalid_json", None),
    ("[1]", 400, "invalid_json", None),
    ("x" * (MAX_FRAME_BYTES + 1), 413, "frame_too_large", None),
    ("{}", 400, "missing_field", "type"),
    ('{"type": "response.cancel"}', 400, "unknown_type", "type"),
    ('{"type": "response.create"}', 400, "missing_field", "input"),
    ('{"type": "response.create", "input": "  "}', 400, "empty_input", "input"),
    ('{"type": "response.create", "input": "x", "color": 1}', 400, "unknown_field", "color"),
    ('{"type": "response.create", "input": "x", "temperature": 9}', 400, "invalid_field", "temperature"),
    ('{"type": "response.create", "input": "x", "model": "none"}', 404, "model_not_found", "model"),
    (
        f'{{"type": "response.create", "input": "x", "previous_response_id": "{NOTHING}"}}',
        404,
        "response_not_found",
        "previous_response_id",
    ),
    (
        f'{{"type": "response.create", "input": "x", "tailrace": {{"conversation_id": "{NOTHING}"}}}}',
        404,
        "conversation_not_found",
        "tailrace.conversation_id",
    ),
    ('{"type": "tailrace:subscribe"}', 400, "missing_field", "response_id"),
    (
        f'{{"type": "tailrace:subscribe", "response_id": "{NOTHING}"}}',
        404,
        "response_not_found",
        "response_id",
    ),
    (
        f'{{"type": "tailrace:ack", "response_id": "{NOTHING}", "sequence_number": -2}}',
        400,
        "invalid_field",
        "sequence_number",
    ),
    (f'{{"type": "tailrace:cancel", "response_id": "{NOTHING}"}}', 404, "response_not_found", "response_id"),
]


@pytest.mark.parametrize(
    ("bad", "status", "code", "param"), BAD, ids=[f"{code} {param}" for _, _, code, param in BAD]
)
async def test_a_bad_frame_gets_an_error_event_and_does_nothing_else(
    socket: Socket, broker: Broker, bad: str | bytes, status: int, code: str, param: str | None
) -> None:
    await socket.send_to(**{"text_data" if isinstance(bad, str) else "bytes_data": bad})
    assert await socket.refusal() == (status, code, param)
    assert await counted() == (0, 0)
    response_id = await created(socket)  # the socket stays
    assert [job.id for job in await queued(broker, 1)] == [response_id]


async def test_a_refusal_repeats_the_stream_id(socket: Socket) -> None:
    await socket.say("response.create", **(ASKED | {"model": "none"}), stream_id="s")
    assert (await socket.frame())["stream_id"] == "s"
    await socket.say("response.create", stream_id="t")
    assert (await socket.frame())["stream_id"] == "t"


async def test_who_is_not_signed_in_is_told_so_and_put_out(log: Log, broker: Broker) -> None:
    async with opened(None) as socket:
        await put_out(socket)
        await socket.say("response.create", **ASKED)  # while the socket closes
        await put_out(socket)
    assert (await counted(), broker.jobs()) == ((0, 0), [])


async def test_a_page_that_was_made_for_another_is_put_out_with_what_it_has_to_send(
    owner: User, stranger: User, log: Log, broker: Broker, layer: Any
) -> None:
    async with opened(owner, f"{PATH}?owner={stranger.pk}") as socket:
        await put_out(socket)
        assert layer.groups == {}
        await socket.say("response.create", **ASKED)
        await put_out(socket)
    assert (await counted(), broker.jobs()) == ((0, 0), [])


async def test_a_page_that_was_made_for_its_user_is_served(owner: User, log: Log, broker: Broker) -> None:
    async with opened(owner, f"{PATH}?owner={owner.pk}") as socket:
        assert (await saved(await created(socket))).owner_id == owner.pk


def sign_out(user: User) -> None:
    Session.objects.all().delete()


def change_password(user: User) -> None:
    """In a way that nobody is told of."""
    User.objects.filter(pk=user.pk).update(password=make_password("another one"))


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


@pytest.mark.parametrize("leave", [sign_out, change_password, deactivate])
async def test_whose_session_has_ended_is_put_out_at_the_next_command(
    socket: Socket, owner: User, broker: Broker, layer: Any, leave: Any
) -> None:
    await created(socket)
    before = await queued(broker, 1)
    await on_rows(leave, owner)
    await socket.say("response.create", **ASKED)
    await put_out(socket)
    assert (await counted(), broker.jobs()) == ((1, 1), before)

    async def left() -> bool:
        return not layer.groups

    await await_until(left, 5, "the groups are left")


@pytest.mark.parametrize("leave", [sign_out, change_password, deactivate])
async def test_whose_session_has_ended_is_put_out_when_told_to_look(
    socket: Socket, owner: User, layer: Any, leave: Any
) -> None:
    await heard_of(owner)
    await notify_owner_to_recheck(owner.pk)  # the session is still theirs
    await created(socket)
    await on_rows(leave, owner)
    await notify_owner_to_recheck(owner.pk)
    await put_out(socket)

    async def left() -> bool:
        return not layer.groups and not layer.channels

    await await_until(left, 5, "the groups and the channel are left")


async def test_a_session_that_cannot_be_looked_at_is_looked_at_again_without_a_command(
    socket: Socket, owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError

    async def looked() -> bool:
        return "a session could not be looked at: OperationalError" in caplog.messages

    await heard_of(owner)
    await on_rows(sign_out, owner)
    with monkeypatch.context() as outage:
        outage.setattr(sessions, "is_signed_in", away)
        await notify_owner_to_recheck(owner.pk)
        await await_until(looked, 5, "the session could not be looked at")
    for _ in range(5):  # it waits a second before it looks again
        if not await socket.receive_nothing(1):
            break
    await put_out(socket)


async def test_nothing_is_left_of_a_socket_that_breaks_in_the_middle_of_a_hint(
    socket: Socket, owner: User, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, broken = asyncio.Event(), asyncio.Event()

    async def never_ends(*_: Any, **__: Any) -> None:
        reading.set()
        await broken.wait()

    response_id = await created(socket)
    monkeypatch.setattr(Subscriber, "hint", never_ends)
    await notify_readers([Batch(response_id, 99, ["{}"])])
    async with asyncio.timeout(5):
        await reading.wait()
    await socket.disconnect()

    async def left() -> bool:
        return not layer.groups and not layer.channels

    await await_until(left, 5, "the groups and the channel are left")


async def test_every_socket_of_the_owner_hears_of_a_response_and_of_its_end(
    socket: Socket, owner: User, stranger: User, log: Log
) -> None:
    async with opened(owner) as other, opened(stranger) as elsewhere:
        await heard_of(owner)
        await heard_of(stranger)
        response_id = await created(socket)
        begun = await other.news()
        assert begun["conversation"]["title"] == ASKED["input"]
        assert (begun["conversation"]["running"], begun["conversation"]["deleted"]) == (True, False)
        told = {"id": response_id, "previous_response_id": None}
        assert begun["response"] == told | {"status": "queued"}
        await end(log, response_id, Ending("completed", at=5.0))
        ended = await other.news()
        assert ended["response"] == told | {"status": "completed"}
        assert (ended["conversation"]["running"], ended["conversation"]["unread"]) == (False, True)
        await socket.until("response.completed")
        assert [(await socket.news())["response"]["status"] for _ in range(2)] == ["queued", "completed"]
        await elsewhere.say("tailrace:subscribe")
        assert (await elsewhere.frame())["type"] == "error"
        assert elsewhere._news == []


async def test_the_same_request_again_is_no_news(socket: Socket, owner: User) -> None:
    await heard_of(owner)
    for _ in range(2):
        await created(socket, tailrace={"client_request_id": "c"})
    assert (await socket.news())["response"]["status"] == "queued"
    await socket.say("tailrace:subscribe")
    await socket.refusal()
    assert socket._news == []


async def test_who_does_not_read_is_not_told_and_nothing_is_kept(
    owner: User, log: Log, response: Response
) -> None:
    sent: list[str] = []
    consumer = ResponsesConsumer()

    async def send(message: Message) -> None:
        sent.append(message["text"])

    consumer.scope = {"user": owner, "peer": ClientConnection(send)}
    consumer.scope["peer"].full = True
    await consumer.heard(owner_message("{}"))
    assert sent == []
    consumer.scope["peer"].full = False
    await consumer.heard(owner_message("{}"))
    assert sent == ["{}"]


async def test_who_waits_behind_others_is_told_its_place_at_once(socket: Socket) -> None:
    await created(socket)
    await socket.say("response.create", **ASKED)
    begun, *_, place = await socket.until("tailrace:queue")
    assert (place["response_id"], place["position"]) == (begun["response"]["id"], 1)


async def test_who_comes_back_while_it_waits_is_told_its_place_at_once(socket: Socket, owner: User) -> None:
    await created(socket)
    second = await created(socket)
    async with opened(owner) as later:
        await later.say("tailrace:subscribe", response_id=second, starting_after=1)
        place = (await later.until("tailrace:queue"))[-1]
        assert (place["response_id"], place["position"]) == (second, 1)


async def test_an_end_that_redis_lost_comes_from_the_row(
    socket: Socket, response: Response, log: Log
) -> None:
    answer = await Answer.begun(log, response)
    await log._redis.copy(key(answer.id), "older")
    await answer.add("Two metres.")
    await end(log, answer.id, Ending("completed", at=5.0))
    await log._redis.copy("older", key(answer.id), replace=True)
    await socket.say("tailrace:subscribe", response_id=answer.id, starting_after=1)
    snapshot = (await socket.until("tailrace:up_to_date"))[-2]
    assert (snapshot["type"], snapshot["response"]["status"]) == ("tailrace:snapshot", "completed")
    assert output_text(snapshot["response"]) == "Two metres."


async def test_an_unknown_path_is_refused(log: Log) -> None:
    accepted, _ = await Socket("/ws/elsewhere/").connect(FRAME_SECS)
    assert not accepted


@pytest.mark.parametrize("command", ["tailrace:subscribe", "tailrace:cancel"])
async def test_someone_elses_response_is_not_found(
    socket: Socket, stranger: User, log: Log, command: str
) -> None:
    theirs = await on_rows(stored, stranger)
    answer = await Answer.begun(log, theirs)
    await socket.say(command, response_id=answer.id)
    assert await socket.refusal() == (404, "response_not_found", "response_id")
    assert (await saved(theirs.pk)).status == "queued"
    assert await log.top(answer.id) == 2


async def test_someone_elses_response_cannot_be_gone_on_from(socket: Socket, stranger: User) -> None:
    theirs = await on_rows(stored, stranger)
    for fields in (
        {"previous_response_id": str(theirs.pk)},
        {"tailrace": {"regenerate_of": str(theirs.pk)}},
        {"tailrace": {"conversation_id": str(theirs.conversation_id)}},
    ):
        await socket.say("response.create", **ASKED, **fields)
        assert (await socket.refusal())[0] == 404
    assert await counted() == (1, 1)


async def test_a_reader_who_comes_later_gets_the_text_so_far(socket: Socket, owner: User, log: Log) -> None:
    response_id = await created(socket)
    answer = await Answer.of(log, response_id)
    await answer.add("Two ")
    async with opened(owner) as late:
        await late.say("tailrace:subscribe", response_id=response_id, stream_id="s")
        snapshot, up_to_date = await late.until("tailrace:up_to_date")
        assert output_text(snapshot["response"]) == "Two "
        assert up_to_date["latest"] == answer.state.next - 1
        await answer.add("metres.")
        frame = await late.frame()
        assert (frame["delta"], frame["stream_id"]) == ("metres.", "s")


async def test_a_reader_who_comes_back_gets_what_came_after_its_cursor(
    socket: Socket, response: Response, log: Log
) -> None:
    answer = await Answer.begun(log, response)
    await socket.say("tailrace:subscribe", response_id=answer.id, starting_after=0)
    frames = await socket.until("tailrace:up_to_date")
    assert [frame.get("sequence_number") for frame in frames] == [1, 2, None]


async def test_who_unsubscribes_hears_no_more(socket: Socket, log: Log) -> None:
    response_id = await created(socket)
    await socket.say("tailrace:unsubscribe", response_id=response_id)
    await socket.say("tailrace:unsubscribe", response_id=str(new_id()))  # harmless
    await socket.say("tailrace:subscribe")  # its refusal comes after both
    assert (await socket.refusal())[1] == "missing_field"
    await (await Answer.of(log, response_id)).add("unheard")
    await socket.say("tailrace:subscribe")
    assert (await socket.refusal())[1] == "missing_field"
    assert (await saved(response_id)).live


async def test_who_acknowledges_gets_what_comes_after(
    socket: Socket, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "ACK_WINDOW", 1)
    await socket.say("tailrace:ack", response_id=str(new_id()), sequence_number=7)  # not followed: harmless
    response_id = await created(socket)
    await socket.say("tailrace:ack", response_id=response_id, sequence_number=0)
    await socket.say("tailrace:subscribe")
    assert (await socket.refusal())[1] == "missing_field"  # the acknowledgement was taken before
    await (await Answer.of(log, response_id)).start()
    await socket.say("tailrace:subscribe")
    assert (await socket.refusal())[1] == "missing_field"  # no event before it
    await socket.say("tailrace:ack", response_id=response_id, sequence_number=1)
    assert (await socket.frame())["sequence_number"] == 2


async def settled(response_id: str) -> Response:
    """The row, once its end is in it: the last thing that a cancel does."""

    async def ended() -> Response | None:
        row = await saved(response_id)
        return None if row.live else row

    row = await await_until(ended, 5, "the row has its end")
    assert row is not None
    return row


async def test_a_cancel_ends_the_response_and_orders_the_workers_to_stop(
    socket: Socket, log: Log, layer: Any
) -> None:
    orders = await layer.new_channel()
    await layer.group_add(WORKERS, orders)
    response_id = await created(socket)
    await (await Answer.of(log, response_id)).add("Two ")
    await socket.say("tailrace:cancel", response_id=response_id)
    end = (await socket.until("response.incomplete"))[-1]
    assert (end["response"]["status"], output_text(end["response"])) == ("cancelled", "Two ")
    order = await asyncio.wait_for(layer.receive(orders), 5)
    assert order == cancel_message(response_id)
    row = await settled(response_id)
    assert (row.status, row.output) == ("cancelled", "Two ")


async def test_a_cancel_after_the_end_changes_nothing(socket: Socket, log: Log, layer: Any) -> None:
    orders = await layer.new_channel()
    await layer.group_add(WORKERS, orders)
    response_id = await created(socket)
    await (await Answer.of(log, response_id)).close()
    await socket.say("tailrace:cancel", response_id=response_id)
    await asyncio.wait_for(layer.receive(orders), 5)
    assert (await settled(response_id)).status == "completed"


async def test_a_socket_that_follows_too_many_stores_nothing_more(
    socket: Socket, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "MAX_SUBSCRIPTIONS", 1)
    response_id = await created(socket)
    await socket.say("response.create", **ASKED, stream_id="s")
    frame = await socket.frame()
    assert (frame["status"], frame["error"]["code"], frame["stream_id"]) == (429, "too_many_followed", "s")
    assert await counted() == (1, 1)
    await socket.say("tailrace:unsubscribe", response_id=response_id)
    second = await created(socket)
    assert [job.id for job in await queued(broker, 2)] == [response_id, second]


async def test_who_hangs_up_leaves_its_groups_and_the_answer_goes_on(
    owner: User, log: Log, layer: Any
) -> None:
    response = await on_rows(stored, owner)
    answer = await Answer.begun(log, response)
    async with opened(owner) as socket:
        await socket.say("tailrace:subscribe", response_id=answer.id)
        await socket.until("tailrace:up_to_date")
        assert layer.groups
    assert layer.groups == {}
    await answer.add("more")
    assert (await saved(answer.id)).live


async def test_without_a_broker_the_response_fails_at_once(
    socket: Socket, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery_app.conf, "broker_url", valkey.url(ports.pick_free()))
    await socket.say("response.create", **ASKED)
    end = (await socket.until("response.failed"))[-1]
    assert end["response"]["error"]["code"] == "queue_unavailable"

    async def is_settled() -> bool:
        return (await saved(end["response"]["id"])).error_code == "queue_unavailable"

    await await_until(is_settled, 5, "the row has it, too")
    assert broker.jobs() == []


async def test_a_broker_that_stays_mute_keeps_nobody_from_the_begin_of_the_answer(
    socket: Socket, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with create_server(("127.0.0.1", 0)) as mute:  # the kernel takes the connection, and nobody answers it
        monkeypatch.setattr(celery_app.conf, "broker_url", valkey.url(mute.getsockname()[1]))
        response_id = await created(socket)
        assert (await saved(response_id)).live  # the enqueue has not given up yet
    end = (await socket.until("response.failed"))[-1]
    assert end["response"]["error"]["code"] == "queue_unavailable"


async def test_without_redis_the_client_is_told_to_try_again_and_the_socket_stays(
    owner: User, response: Response, layer: Any, settings: Settings
) -> None:
    await redis_client.close()
    settings.TAILRACE_REDIS_URL = valkey.url(ports.pick_free())
    async with opened(owner) as socket:
        for _ in range(2):
            await socket.say("tailrace:subscribe", response_id=str(response.pk), stream_id="s")
            frame = await socket.frame()
            assert (frame["status"], frame["error"]["code"], frame["stream_id"]) == (503, "busy", "s")
            assert frame["error"]["type"] == "server_error"
