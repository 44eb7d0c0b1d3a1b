"""The minimal page: a message becomes a task, and the worker's text arrives as messages."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.models import Response
from chat.protocol.composer import Ending, opening
from chat.protocol.errors import SLOW_READER
from chat.protocol.events import Event
from chat.protocol.state import ResponseState
from chat.responses.model_catalog import DEMO, catalog
from chat.responses.representation import response_object
from chat.sockets import minimal
from chat.streaming.backpressure import ClientConnection
from chat.transport import redis_client
from chat.transport.event_log import Batch, Log
from chat.transport.notifications import notify_readers
from project.celery import app as celery_app
from project.up import ports, valkey
from tests.chat.communicator import FRAME_SECS, Socket, eventually, opened
from tests.chat.rows import counted, on_rows
from tests.harness.broker import Broker
from tests.harness.writer import Writer

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/ws/openai/"


@pytest.fixture
async def socket(owner: User, log: Log, broker: Broker) -> AsyncIterator[Socket]:
    """The owner's socket."""
    async with opened(owner, PATH) as socket:
        yield socket


async def asked(socket: Socket, broker: Broker, message: str) -> Response:
    """Send the message; returns its response once the job is queued."""
    await socket.send_json_to({"message": message})
    job = (await eventually(broker.jobs))[0]
    return await on_rows(Response.objects.get, pk=job.id)


def writer_of(row: Response) -> Writer:
    return Writer(ResponseState.fold(opening(response_object(row))))


async def publish(writer: Writer, events: list[Event]) -> None:
    await notify_readers([Batch.of(writer.state.id, events)])


async def test_start_makes_the_demo_count(socket: Socket, broker: Broker) -> None:
    row = await asked(socket, broker, "start")
    assert row.model == DEMO
    writer = writer_of(row)
    await publish(writer, writer.start(1))
    await publish(writer, writer.add("Number 0\n"))
    await publish(writer, writer.add("Number 1\nNumber 2\n"))
    assert [await socket.frame() for _ in range(3)] == [{"message": f"Number {n}"} for n in range(3)]


async def test_any_other_message_is_a_prompt_for_the_default_model(socket: Socket, broker: Broker) -> None:
    row = await asked(socket, broker, "How deep is it?")
    assert (row.model, row.input_text) == (next(iter(catalog())), "How deep is it?")
    writer = writer_of(row)
    await publish(writer, writer.add("Two\nmetres.", reasoning="left out"))
    assert await socket.frame() == {"message": "Two\nmetres."}


async def test_a_failure_is_sent_with_its_code(socket: Socket, broker: Broker) -> None:
    row = await asked(socket, broker, "start")
    writer = writer_of(row)
    await publish(writer, writer.finish(Ending("failed", at=5.0, error_code="upstream_error")))
    assert (await socket.frame())["error"]["code"] == "upstream_error"


async def test_an_answer_that_looks_like_the_count_is_not_cut_into_lines(
    socket: Socket, broker: Broker
) -> None:
    writer = writer_of(await asked(socket, broker, "Count."))
    await publish(writer, writer.add("Number 1\nNumber 2\n"))
    assert await socket.frame() == {"message": "Number 1\nNumber 2\n"}


async def test_after_the_end_the_group_is_left(socket: Socket, broker: Broker, layer: Any) -> None:
    writer = writer_of(await asked(socket, broker, "start"))
    await publish(writer, writer.finish(Ending("completed", at=5.0)))
    groups = layer.groups
    await eventually(lambda: not groups)


async def test_a_closed_socket_leaves_the_group(owner: User, broker: Broker, layer: Any) -> None:
    async with opened(owner, PATH) as socket:
        await asked(socket, broker, "start")
        assert len(layer.groups) == 1
    assert layer.groups == {}


async def test_an_event_that_follows_the_job_at_once_is_not_missed(
    socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(row: Response, log: Log) -> None:
        writer = writer_of(row)
        await publish(writer, writer.add("One\n"))

    monkeypatch.setattr(minimal, "queue_response", answer)
    await socket.send_json_to({"message": "start"})
    assert await socket.frame() == {"message": "One"}


async def test_without_a_broker_the_message_fails(
    socket: Socket, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery_app.conf, "broker_url", valkey.url(ports.pick_free()))
    await socket.send_json_to({"message": "start"})
    assert (await socket.frame())["error"]["code"] == "queue_unavailable"


async def test_without_redis_a_message_is_refused_as_busy(
    socket: Socket, broker: Broker, settings: Settings
) -> None:
    await redis_client.close()
    settings.TAILRACE_LOG_URL = valkey.url(ports.pick_free())
    await socket.send_json_to({"message": "start"})
    assert await socket.refusal() == (503, "busy", None)


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        ({"text_data": "nonsense"}, (400, "invalid_json", None)),
        ({"bytes_data": b'{"message": "start"}'}, (400, "invalid_json", None)),
        ({"text_data": "{}"}, (400, "missing_field", "input")),
        ({"text_data": '{"message": ""}'}, (400, "empty_input", "input")),
        ({"text_data": '{"message": 5}'}, (400, "invalid_field", "input")),
    ],
)
async def test_an_invalid_message_is_refused_and_the_socket_stays(
    socket: Socket, broker: Broker, sent: dict[str, Any], refusal: tuple[int, str, str | None]
) -> None:
    await socket.send_to(**sent)
    assert await socket.refusal() == refusal
    assert await counted() == (0, 0)
    await asked(socket, broker, "start")


async def test_a_visitor_without_an_account_is_a_guest(log: Log, broker: Broker, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    async with opened(None, PATH) as socket:
        row = await asked(socket, broker, "start")
        await socket.send_json_to({"message": "start"})
        await eventually(lambda: len(broker.jobs()) == 2)
    owner = await on_rows(User.objects.get)  # one guest for both
    assert (row.owner_id, owner.username[:6]) == (owner.pk, "guest-")


async def test_without_guests_a_client_without_a_user_is_refused(log: Log, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = False
    accepted, _ = await Socket(PATH).connect(FRAME_SECS)
    assert not accepted
    assert await counted() == (0, 0)
    assert await on_rows(User.objects.count) == 0


async def test_a_refused_message_makes_no_guest(log: Log, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    async with opened(None, PATH) as socket:
        await socket.send_json_to({"message": ""})
        assert await socket.refusal() == (400, "empty_input", "input")
    assert await on_rows(User.objects.count) == 0


async def test_a_client_that_does_not_read_is_closed_and_sent_nothing_more(
    socket: Socket, broker: Broker, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_of(await asked(socket, broker, "start"))
    monkeypatch.setattr(ClientConnection, "paused", True)
    await publish(writer, writer.add("Number 1\n"))
    assert await socket.refusal() == (408, "slow_reader", None)
    assert await socket.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": SLOW_READER}
    assert layer.groups == {}


async def test_text_and_failures_are_sent_by_the_connection_which_may_be_closing(
    socket: Socket, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    async def drop(connection: ClientConnection, text: str) -> None:
        sent.append(text)  # as Daphne's does once the client has begun to close

    monkeypatch.setattr(ClientConnection, "send_text", drop)
    writer = writer_of(await asked(socket, broker, "How deep is it?"))
    await publish(writer, writer.add("Two"))
    await publish(writer, writer.finish(Ending("failed", at=5.0, error_code="upstream_error")))
    await eventually(lambda: len(sent) == 2)
    assert await socket.receive_nothing()
