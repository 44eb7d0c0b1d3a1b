"""The page's socket: a command becomes a row, a log and a job, or an error event and nothing else."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from socket import create_server
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError
from pytest_django import Settings

from chat.accounts import session_watch
from chat.accounts.sessions import Identity, valid
from chat.ids import wire_id
from chat.models import LIVE, Response
from chat.protocol.commands import MAX_FRAME_BYTES
from chat.protocol.composer import Ending
from chat.protocol.output import output_text
from chat.responses.ending import end
from chat.responses.model_catalog import DEMO
from chat.sockets import consumer as consumer_module
from chat.sockets.consumer import ResponsesConsumer
from chat.streaming import cursor, subscriber
from chat.streaming.backpressure import ClientConnection
from chat.streaming.subscriber import Subscriber
from chat.transport import redis_client
from chat.transport.event_log import Batch, Log, key
from chat.transport.notifications import (
    WORKERS,
    Message,
    cancel_message,
    notify_owner,
    notify_owner_to_recheck,
    notify_readers,
    owner_message,
)
from project.celery import app as celery_app
from project.up import ports, valkey
from tests.chat.answers import Answer
from tests.chat.communicator import FRAME_SECS, PATH, Socket, assert_signed_out, eventually, joined, opened
from tests.chat.rows import counted, on_rows, saved, stored
from tests.harness.broker import Broker
from tests.harness.waiting import await_until, deadline

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING = "01234567-89ab-7def-8123-456789abcdef"
SUBSCRIBE = json.dumps({"type": "tailrace:subscribe", "response_id": NOTHING})
ASKED = {"model": DEMO, "input": "How deep is it?"}


@pytest.fixture
async def socket(owner: User, log: Log, broker: Broker) -> AsyncIterator[Socket]:
    """The owner's socket."""
    async with opened(owner) as socket:
        yield socket


async def created(socket: Socket, **fields: Any) -> str:
    """Create a response; returns its id."""
    await socket.send_command("response.create", **(ASKED | fields))
    frames = await socket.until("response.queued")
    assert [(frame["type"], frame["sequence_number"], frame.get("stream_id")) for frame in frames] == [
        ("response.created", 0, fields.get("stream_id")),
        ("response.queued", 1, fields.get("stream_id")),
    ]
    return str(frames[0]["response"]["id"])


async def no_frame_waits(socket: Socket) -> None:
    """Execute a command whose refusal is the next frame: nothing else was sent, and the session is valid."""
    await socket.send_command("tailrace:cancel", response_id=NOTHING)
    assert await socket.refusal() == (404, "response_not_found", "response_id")


async def answer_of(log: Log, response_id: str) -> Answer:
    """The worker's side of a response."""
    state = await log.state(response_id)
    assert state is not None
    return Answer(log, state)


async def queued(broker: Broker, count: int) -> list[str]:
    """The ids of the jobs in the queue, once there are `count`."""
    await eventually(lambda: len(broker.jobs()) == count)
    return [job.id for job in broker.jobs()]


async def test_a_question_becomes_a_row_a_log_and_a_job(socket: Socket, log: Log, broker: Broker) -> None:
    response_id = await created(socket)
    assert await queued(broker, 1) == [response_id]
    assert (await saved(response_id)).input_text == "How deep is it?"
    assert await log.top(response_id) == 1


async def test_the_events_of_the_log_reach_the_socket_unchanged(socket: Socket, log: Log) -> None:
    response_id = await created(socket)
    answer = await answer_of(log, response_id)
    written: list[str] = []
    for write in (answer.start(), answer.add("Zwei “Me"), answer.add("ter."), answer.close()):
        written += (await write).events
    assert [await socket.text() for _ in written] == written


async def test_two_responses_on_one_socket_have_their_own_stream_ids(socket: Socket, log: Log) -> None:
    ids = {}
    for stream_id in ("one", "two"):
        ids[stream_id] = await created(socket, stream_id=stream_id)
    for stream_id, response_id in ids.items():
        answer = await answer_of(log, response_id)
        await answer.start()
        frame = (await socket.until("response.in_progress"))[-1]
        assert (frame["stream_id"], frame["response"]["id"]) == (stream_id, response_id)


async def test_the_same_request_again_is_the_same_response(socket: Socket, owner: User) -> None:
    once = {"client_request_id": "c"}
    response_id = await created(socket, tailrace=once)
    async with opened(owner) as again:
        assert await created(again, tailrace=once) == response_id


BAD: list[tuple[str | bytes, int, str, str | None]] = [
    (json.dumps({"type": "response.create", **ASKED}).encode(), 400, "binary_frame", None),
    ("nonsense", 400, "invalid_json", None),
    ("🌊" * (MAX_FRAME_BYTES // 4 + 1), 413, "frame_too_large", None),
    ('{"type": "response.cancel"}', 400, "unknown_type", "type"),
    ('{"type": "response.create", "input": "  "}', 400, "empty_input", "input"),
    ('{"type": "response.create", "input": "x", "model": "none"}', 404, "model_not_found", "model"),
    ('{"type": "tailrace:subscribe"}', 400, "missing_field", "response_id"),
    (SUBSCRIBE, 404, "response_not_found", "response_id"),
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
    assert await queued(broker, 1) == [response_id]


async def test_an_error_repeats_the_stream_id(socket: Socket) -> None:
    await socket.send_command("response.create", **(ASKED | {"model": "none"}), stream_id="s")
    assert (await socket.frame())["stream_id"] == "s"
    await socket.send_command("response.create", stream_id="t")
    assert (await socket.frame())["stream_id"] == "t"


@pytest.mark.usefixtures("log")
async def test_without_a_session_the_socket_is_closed() -> None:
    async with opened(None, f"{PATH}?owner=1") as socket:
        await assert_signed_out(socket)


@pytest.mark.usefixtures("log")
async def test_the_socket_of_a_page_for_another_user_is_closed(
    owner: User, stranger: User, broker: Broker, layer: Any
) -> None:
    async with opened(owner, f"{PATH}?owner={stranger.pk}") as socket:
        await socket.send_command("response.create", **ASKED)  # sent before the page knows
        await assert_signed_out(socket)
        assert layer.groups == {}
    assert (await counted(), broker.jobs()) == ((0, 0), [])


async def test_the_socket_of_a_page_for_its_user_works(owner: User, log: Log, broker: Broker) -> None:
    async with opened(owner, f"{PATH}?owner={owner.pk}") as socket:
        assert (await saved(await created(socket))).owner_id == owner.pk


def sign_out() -> None:
    """Without a notification."""
    Session.objects.all().delete()


async def left(layer: Any) -> None:
    """Wait until the socket has left its groups and its channel."""
    groups, channels = layer.groups, layer.channels
    await eventually(lambda: not groups and not channels)


async def test_a_session_is_checked_before_a_command_once_in_an_interval(
    owner: User, log: Log, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[float] = []
    clock = {"passed": 0.0}

    def check(identities: list[Identity]) -> Any:
        checks.append(clock["passed"])
        return valid(identities)

    monkeypatch.setattr(
        session_watch, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + clock["passed"])
    )
    monkeypatch.setattr(session_watch, "TRUST_SECS", 600)
    monkeypatch.setattr(session_watch, "CHECK_SECS", 3600)
    monkeypatch.setattr(session_watch, "valid", check)
    async with opened(owner) as socket:
        for clock["passed"] in (0, 300, 600, 900):
            await no_frame_waits(socket)
        assert checks == [600]  # the handshake was one
        await on_rows(sign_out)
        await no_frame_waits(socket)
        clock["passed"] = 1200
        await socket.send_command("response.create", **ASKED)
        await assert_signed_out(socket)
        assert await counted() == (0, 0)
        await left(layer)


async def test_a_revoked_session_closes_the_socket_at_a_notification(
    socket: Socket, owner: User, layer: Any
) -> None:
    await joined(owner)
    await notify_owner_to_recheck(owner.pk)  # the session is still valid
    await created(socket)
    await on_rows(sign_out)
    await notify_owner_to_recheck(owner.pk)
    await assert_signed_out(socket)
    await left(layer)


async def test_a_recheck_is_retried_while_the_database_is_unavailable_and_nothing_is_delivered(
    socket: Socket, owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable(*_: Any) -> None:
        raise OperationalError

    await joined(owner)
    await on_rows(sign_out)
    monkeypatch.setattr(consumer_module, "RETRY_SECS", 0.01)
    with monkeypatch.context() as outage:
        outage.setattr(session_watch, "valid", unavailable)
        await notify_owner_to_recheck(owner.pk)
        warning = "a session could not be checked: OperationalError, trying again"
        await eventually(lambda: caplog.messages.count(warning) > 1)
        await notify_owner(owner.pk, '{"type":"private"}')
        await socket.send_command("response.create", **ASKED)
        assert await socket.refusal() == (503, "busy", None)
    await assert_signed_out(socket)


async def test_a_socket_that_closes_during_a_notification_leaves_its_groups(
    socket: Socket, owner: User, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = asyncio.Event()

    async def never_ends(*_: Any, **__: Any) -> None:
        reading.set()
        await asyncio.Event().wait()

    response_id = await created(socket)
    monkeypatch.setattr(Subscriber, "on_notification", never_ends)
    await notify_readers([Batch(response_id, 99, ["{}"])])
    async with asyncio.timeout(deadline()):
        await reading.wait()
    await socket.disconnect(timeout=FRAME_SECS)
    await left(layer)


async def test_a_socket_of_an_ended_session_ends_though_its_reader_loses_the_cancellation(
    socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = asyncio.Event()

    async def deaf(*_: Any, **__: Any) -> None:
        reading.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    response_id = await created(socket)
    monkeypatch.setattr(Subscriber, "on_notification", deaf)
    await notify_readers([Batch(response_id, 99, ["{}"])])
    async with asyncio.timeout(deadline()):
        await reading.wait()
    (session,) = session_watch.session_watch()._watched
    session.on_end()
    await assert_signed_out(socket)
    await await_until(socket.future.done, 5, "both tasks end")


async def test_every_socket_of_the_owner_is_notified_of_a_response_and_of_its_end(
    socket: Socket, owner: User, stranger: User, log: Log
) -> None:
    async with opened(owner) as other, opened(stranger) as elsewhere:
        await joined(owner)
        await joined(stranger)
        response_id = await created(socket)
        begun = await other.change()
        assert begun["conversation"]["title"] == ASKED["input"]
        assert (begun["conversation"]["running"], begun["conversation"]["deleted"]) == (True, False)
        about = {"id": response_id, "previous_response_id": None, "client_request_id": None}
        assert begun["response"] == about | {"status": "queued"}
        await end(log, response_id, Ending("completed", at=5.0))
        ended = await other.change()
        assert ended["response"] == about | {"status": "completed"}
        assert (ended["conversation"]["running"], ended["conversation"]["unread"]) == (False, True)
        await socket.until("response.completed")
        assert [(await socket.change())["response"]["status"] for _ in range(2)] == ["queued", "completed"]
        await no_frame_waits(elsewhere)
        assert elsewhere.changes == []


async def test_a_change_is_dropped_for_a_client_that_does_not_read() -> None:
    sent: list[str] = []
    consumer = ResponsesConsumer()

    async def send(message: Message) -> None:
        sent.append(message["text"])

    consumer.connection = ClientConnection(send)
    consumer.connection.paused = True
    await consumer.on_message(owner_message("{}"))
    assert sent == []
    consumer.connection.paused = False
    await consumer.on_message(owner_message("{}"))
    assert sent == ["{}"]


async def test_the_queue_position_is_sent_at_once(socket: Socket) -> None:
    await created(socket)
    await socket.send_command("response.create", **ASKED)
    first, *_, queue = await socket.until("tailrace:queue")
    assert (queue["response_id"], queue["position"]) == (first["response"]["id"], 1)


async def test_the_queue_position_is_sent_at_once_after_a_subscribe(socket: Socket, owner: User) -> None:
    await created(socket)
    second = await created(socket)
    async with opened(owner) as later:
        await later.send_command("tailrace:subscribe", response_id=second, starting_after=1)
        queue = (await later.until("tailrace:queue"))[-1]
        assert (queue["response_id"], queue["position"]) == (second, 1)


async def test_an_end_that_redis_lost_comes_from_the_row(
    socket: Socket, response: Response, log: Log
) -> None:
    answer = await Answer.begun(log, response)
    await log._redis.copy(key(answer.id), "older")
    await answer.add("Two metres.")
    await end(log, response.wire_id, Ending("completed", at=5.0))
    await log._redis.copy("older", key(answer.id), replace=True)
    await socket.send_command("tailrace:subscribe", response_id=answer.id, starting_after=1)
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
    await socket.send_command(command, response_id=answer.id)
    assert await socket.refusal() == (404, "response_not_found", "response_id")
    assert (await saved(theirs.pk)).status == "queued"
    assert await log.top(answer.id) == 2


async def test_someone_elses_response_cannot_be_continued(socket: Socket, stranger: User) -> None:
    theirs = await on_rows(stored, stranger)
    for fields in (
        {"previous_response_id": theirs.wire_id},
        {"tailrace": {"regenerate_of": theirs.wire_id}},
        {"tailrace": {"conversation_id": wire_id("conv", theirs.conversation_id)}},
    ):
        await socket.send_command("response.create", **ASKED, **fields)
        assert (await socket.refusal())[0] == 404
    assert await counted() == (1, 1)


async def test_a_later_reader_gets_the_text_so_far(socket: Socket, owner: User, log: Log) -> None:
    response_id = await created(socket)
    answer = await answer_of(log, response_id)
    await answer.add("Two ")
    async with opened(owner) as late:
        await late.send_command("tailrace:subscribe", response_id=response_id, stream_id="s")
        snapshot, up_to_date = await late.until("tailrace:up_to_date")
        assert output_text(snapshot["response"]) == "Two "
        assert up_to_date["latest"] == answer.state.next - 1
        await answer.add("metres.")
        frame = await late.frame()
        assert (frame["delta"], frame["stream_id"]) == ("metres.", "s")


async def test_a_reader_gets_the_events_after_its_cursor(
    socket: Socket, response: Response, log: Log
) -> None:
    answer = await Answer.begun(log, response)
    await socket.send_command("tailrace:subscribe", response_id=answer.id, starting_after=0)
    frames = await socket.until("tailrace:up_to_date")
    assert [frame.get("sequence_number") for frame in frames] == [1, 2, None]


async def test_after_unsubscribe_no_event_is_sent(socket: Socket, log: Log) -> None:
    response_id = await created(socket)
    await socket.send_command("tailrace:unsubscribe", response_id=response_id)
    await socket.send_command("tailrace:unsubscribe", response_id=NOTHING)  # harmless
    await no_frame_waits(socket)
    await (await answer_of(log, response_id)).add("unread")
    await no_frame_waits(socket)
    assert (await saved(response_id)).live


async def test_an_acknowledgement_lets_later_events_through(
    socket: Socket, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor, "ACK_WINDOW", 1)
    await socket.send_command("tailrace:ack", response_id=NOTHING, sequence_number=7)  # harmless
    response_id = await created(socket)
    await socket.send_command("tailrace:ack", response_id=response_id, sequence_number=0)
    await no_frame_waits(socket)
    answer = await answer_of(log, response_id)
    await answer.start()
    await no_frame_waits(socket)
    await socket.send_command("tailrace:ack", response_id=response_id, sequence_number=1)
    assert (await socket.frame())["sequence_number"] == 2


async def settled(response_id: str) -> Response:
    """The row, once it has ended: the last step of a cancel."""
    rows = Response.objects.filter(pk=response_id).exclude(status__in=LIVE)
    row = await eventually(rows.first)
    assert row is not None
    return row


async def test_a_cancel_ends_the_response_and_notifies_the_workers(
    socket: Socket, log: Log, layer: Any
) -> None:
    worker = await layer.new_channel()
    await layer.group_add(WORKERS, worker)
    response_id = await created(socket)
    await (await answer_of(log, response_id)).add("Two ")
    await socket.send_command("tailrace:cancel", response_id=response_id)
    end = (await socket.until("response.incomplete"))[-1]
    assert (end["response"]["status"], output_text(end["response"])) == ("cancelled", "Two ")
    assert await asyncio.wait_for(layer.receive(worker), deadline()) == cancel_message(response_id)
    row = await settled(response_id)
    assert (row.status, row.output) == ("cancelled", "Two ")


async def test_a_cancel_after_the_end_changes_nothing(socket: Socket, log: Log, layer: Any) -> None:
    worker = await layer.new_channel()
    await layer.group_add(WORKERS, worker)
    response_id = await created(socket)
    await (await answer_of(log, response_id)).close()
    await socket.send_command("tailrace:cancel", response_id=response_id)
    await asyncio.wait_for(layer.receive(worker), deadline())
    assert (await settled(response_id)).status == "completed"


async def test_a_socket_with_too_many_subscriptions_stores_nothing_more(
    socket: Socket, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "MAX_SUBSCRIPTIONS", 1)
    response_id = await created(socket)
    await socket.send_command("response.create", **ASKED, stream_id="s")
    frame = await socket.frame()
    assert (frame["status"], frame["error"]["code"], frame["stream_id"]) == (429, "too_many_followed", "s")
    assert await counted() == (1, 1)
    await socket.send_command("tailrace:unsubscribe", response_id=response_id)
    second = await created(socket)
    assert sorted(await queued(broker, 2)) == [response_id, second]  # a slow first may be overtaken


async def test_a_closed_socket_leaves_its_groups_and_the_response_goes_on(
    owner: User, log: Log, layer: Any
) -> None:
    response = await on_rows(stored, owner)
    answer = await Answer.begun(log, response)
    async with opened(owner) as socket:
        await socket.send_command("tailrace:subscribe", response_id=answer.id)
        await socket.until("tailrace:up_to_date")
        assert layer.groups
    assert layer.groups == {}
    await answer.add("more")
    assert (await saved(answer.id)).live


async def test_an_unresponsive_broker_does_not_hold_up_the_first_events(
    socket: Socket, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with create_server(("127.0.0.1", 0)) as broken:  # accepts the connection and never answers
        monkeypatch.setattr(celery_app.conf, "broker_url", valkey.url(broken.getsockname()[1]))
        response_id = await created(socket)
        assert (await saved(response_id)).live  # the enqueue has not given up yet
    end = (await socket.until("response.failed"))[-1]
    assert end["response"]["error"]["code"] == "queue_unavailable"


@pytest.mark.slow
async def test_without_redis_a_command_is_refused_as_busy_and_the_socket_stays(
    owner: User, response: Response, layer: Any, settings: Settings
) -> None:
    await redis_client.close()
    settings.TAILRACE_LOG_URL = valkey.url(ports.pick_free())
    async with opened(owner) as socket:
        for _ in range(2):
            await socket.send_command("tailrace:subscribe", response_id=response.wire_id, stream_id="s")
            frame = await socket.frame()
            assert (frame["status"], frame["error"]["code"], frame["stream_id"]) == (503, "busy", "s")
            assert frame["error"]["type"] == "server_error"
