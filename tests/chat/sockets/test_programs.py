"""The socket of programs: a key instead of a session, OpenAI's events alone, lanes of requests."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from pytest_django import Settings

from chat.accounts import session_watch
from chat.accounts.api_keys import create_key, revoke_key
from chat.key_models import ApiKey
from chat.models import Response, Status
from chat.protocol.commands import Create
from chat.protocol.composer import Ending
from chat.protocol.errors import MOVING, SIGNED_OUT, TOO_MANY
from chat.protocol.pieces import CallPart
from chat.responses import creation
from chat.responses.ending import end
from chat.responses.model_catalog import DEMO
from chat.sockets import daphne, programs
from chat.sockets.plain_subscriber import PlainSubscriber
from chat.streaming.draining import Draining
from chat.transport.event_log import Log, LogError
from chat.transport.notifications import notify_owner
from tests.chat.answers import Answer
from tests.chat.api.client import Program
from tests.chat.communicator import FRAME_SECS, Socket, connected, eventually, joined, opened
from tests.chat.rows import counted, on_rows, saved
from tests.harness.broker import Broker
from tests.harness.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v1/responses"
ASKED = {"model": DEMO, "input": "How deep is it?"}
NOTHING = "01234567-89ab-7def-8123-456789abcdef"


@pytest.fixture
def text(owner: User) -> str:
    """The text of the owner's key."""
    return create_key(owner, "laptop")[1]


@asynccontextmanager
async def program(text: str) -> AsyncIterator[Socket]:
    """An accepted socket with a key."""
    async with connected(Socket(PATH, authorization=f"Bearer {text}")) as socket:
        yield socket


@pytest.fixture
async def socket(text: str, log: Log, broker: Broker) -> AsyncIterator[Socket]:
    """The program's socket."""
    async with program(text) as socket:
        yield socket


async def created(socket: Socket, **fields: Any) -> str:
    """Create a response; returns its id."""
    await socket.send_command("response.create", **(ASKED | fields))
    frames = await socket.until("response.queued")
    assert [(frame["type"], frame.get("stream_id")) for frame in frames] == [
        ("response.created", fields.get("stream_id")),
        ("response.queued", fields.get("stream_id")),
    ]
    return str(frames[0]["response"]["id"])


async def answered(log: Log, response_id: str, words: str = "Two metres.") -> None:
    """The worker's side of a response, from its start to its end."""
    answer = await Answer.of(log, response_id)
    await answer.start()
    await answer.add(words)
    await answer.close()


async def no_frame_waits(socket: Socket) -> None:
    """A bad frame's refusal is the next frame: nothing else was sent."""
    await socket.send_to(text_data="nonsense")
    assert await socket.refusal() == (400, "invalid_json", None)


async def assert_refused(socket: Socket) -> None:
    assert await socket.refusal() == (401, "invalid_api_key", None)
    assert await socket.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": SIGNED_OUT}


# who


async def test_a_key_asks_for_its_owner(socket: Socket, owner: User, log: Log) -> None:
    response_id = await created(socket)
    assert (await saved(response_id)).owner_id == owner.pk


@pytest.mark.usefixtures("log")
async def test_the_site_may_be_under_a_path_of_its_host(text: str) -> None:
    socket = Socket(f"/tailrace{PATH}", authorization=f"Bearer {text}")
    socket.scope["root_path"] = "/tailrace"
    async with connected(socket):
        await no_frame_waits(socket)


@pytest.mark.usefixtures("log")
async def test_a_page_of_another_origin_with_a_key_is_no_danger(text: str) -> None:
    headers = {"authorization": f"Bearer {text}", "origin": "https://elsewhere.example"}
    async with connected(Socket(PATH, **headers)):
        pass


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("header", ["Bearer tr_nothing", "Bearer x", "bearer sk-of-another-service"])
async def test_a_wrong_key_is_refused_with_a_code_after_which_no_sdk_returns(db: None, header: str) -> None:
    async with connected(Socket(PATH, authorization=header)) as socket:
        await assert_refused(socket)


@pytest.mark.usefixtures("log")
async def test_a_cookie_is_no_key(owner: User) -> None:
    async with opened(owner) as page:
        cookie = dict(page.scope["headers"])[b"cookie"].decode()
    for headers in ({}, {"cookie": cookie}, {"authorization": "Basic b3duZXI6cGFzcw=="}):
        accepted, _ = await Socket(PATH, **headers).connect(FRAME_SECS)
        assert not accepted


@pytest.mark.usefixtures("log")
async def test_while_the_database_is_unavailable_the_client_comes_back(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(text: str) -> None:
        raise OperationalError

    monkeypatch.setattr(programs, "find_key", unavailable)
    async with program(text) as socket:
        assert await socket.refusal() == (503, "busy", None)
        assert await socket.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": MOVING}


async def test_a_revoked_key_closes_its_socket_and_no_other(socket: Socket, owner: User) -> None:
    response_id = await created(socket)
    _, other = await on_rows(create_key, owner, "desk")
    async with program(other) as stays:
        await joined(owner)
        await on_rows(revoke_key, await on_rows(ApiKey.objects.get, name="laptop"))
        await assert_refused(socket)
        assert await created(stays) != response_id


def deactivate() -> None:
    User.objects.update(is_active=False)


def revoke_in_sql() -> None:
    ApiKey.objects.all().revoke()


def delete_keys() -> None:
    ApiKey.objects.all().delete()


@pytest.mark.parametrize("change", [deactivate, revoke_in_sql, delete_keys])
async def test_without_a_notification_the_check_closes_the_socket(
    text: str, log: Log, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_watch, "CHECK_SECS", 0.05)
    async with program(text) as socket:
        await on_rows(change)
        await assert_refused(socket)


async def test_a_command_checks_a_key_that_was_not_checked_lately(
    text: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_watch, "TRUST_SECS", 0)
    async with program(text) as socket:
        await on_rows(revoke_in_sql)
        await socket.send_command("response.create", **ASKED)
        await assert_refused(socket)
    assert await counted() == (0, 0)


async def test_sockets_of_programs_and_pages_are_bounded_together(
    text: str, owner: User, log: Log, settings: Settings
) -> None:
    settings.TAILRACE_MAX_SOCKETS = 1
    async with opened(owner), program(text) as socket:
        assert await socket.refusal() == (429, "too_many_sockets", None)
        assert await socket.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": TOO_MANY}


async def test_requests_of_an_owner_are_bounded_over_sockets_and_http_together(
    text: str, log: Log, broker: Broker, settings: Settings
) -> None:
    settings.TAILRACE_API_REQUESTS_PER_MINUTE = 2
    asking = Program(text)
    assert (await asking.ask("POST", "responses", ASKED | {"background": True})).status == 200
    async with program(text) as socket:
        await created(socket, stream_id="a")
        await socket.send_command("response.create", **ASKED, stream_id="b")
        refusal = await socket.frame()
        assert (refusal["status"], refusal["error"]["code"]) == (429, "too_many_requests")
        assert (refusal["stream_id"], 0 < refusal["retry_after"] <= 60) == ("b", True)
    assert (await asking.ask("POST", "responses", ASKED)).error[1] == "rate_limit_exceeded"
    assert await on_rows(Response.objects.count) == 2


# plain


async def test_a_program_gets_openais_events_alone(socket: Socket, owner: User, log: Log) -> None:
    await joined(owner)
    response_id = await created(socket)
    await notify_owner(owner.pk, '{"type":"tailrace:conversation"}')
    await answered(log, response_id)
    frames = [json.loads(await socket.receive_from(FRAME_SECS))]
    while frames[-1]["type"] != "response.completed":
        frames.append(json.loads(await socket.receive_from(FRAME_SECS)))
    assert not [frame for frame in frames if not frame["type"].startswith("response.")]
    assert [frame["sequence_number"] for frame in frames] == list(range(2, 2 + len(frames)))
    await no_frame_waits(socket)


async def test_a_client_that_sends_an_extension_has_asked_for_them(
    socket: Socket, owner: User, log: Log
) -> None:
    await joined(owner)
    response_id = await created(socket)
    await socket.send_command("tailrace:subscribe", response_id=response_id, starting_after=-1)
    frames = await socket.until("tailrace:up_to_date")
    assert [frame["type"] for frame in frames][:2] == ["response.created", "response.queued"]
    await notify_owner(owner.pk, '{"type":"tailrace:conversation"}')
    await socket.change()


@pytest.mark.parametrize("is_plain", [True, False])
async def test_a_stop_of_the_process_closes_a_plain_socket_without_an_own_frame(
    text: str, log: Log, is_plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = Draining()
    monkeypatch.setattr(daphne, "draining", stopping)
    async with program(text) as socket:
        if not is_plain:
            await socket.send_command("tailrace:cancel", response_id=NOTHING)
            await socket.refusal()
        await no_frame_waits(socket)
        await stopping.run(0)
        if not is_plain:
            assert (await socket.frame())["type"] == "tailrace:moving"
        assert await socket.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": MOVING}


async def test_a_dropped_call_is_an_error_of_its_stream_and_the_lane_goes_on(
    socket: Socket, log: Log
) -> None:
    response_id = await created(socket, stream_id="a")
    answer = await Answer.of(log, response_id)
    await answer.start()
    await answer.write(answer.writer.add_parts(CallPart(0, "f", "c1", "{}")))
    await answer.start(2)
    frame = (await socket.until("error"))[-1]
    assert (frame["status"], frame["error"]["code"], frame["stream_id"]) == (500, "stream_lost", "a")
    assert "sequence_number" not in frame
    assert await created(socket, stream_id="a") != response_id


# lanes


async def test_a_lane_asks_the_next_request_when_the_one_before_has_ended(
    socket: Socket, log: Log, broker: Broker
) -> None:
    first = await created(socket, stream_id="a")
    await socket.send_command("response.create", **ASKED, stream_id="a")
    other = await created(socket, stream_id="b")  # another lane does not wait
    assert await counted() == (2, 2)
    await answered(log, first)
    await socket.until("response.completed")
    frames = await socket.until("response.queued")
    assert {frame["stream_id"] for frame in frames} == {"a"}
    assert frames[0]["response"]["id"] not in (first, other)


async def test_requests_without_a_stream_id_are_a_lane(socket: Socket, log: Log) -> None:
    first = await created(socket)
    await socket.send_command("response.create", **ASKED)
    await answered(log, first)
    await socket.until("response.completed")
    assert (await socket.frame())["type"] == "response.created"


async def test_a_refusal_has_its_stream_id_and_frees_the_lane(socket: Socket, log: Log) -> None:
    first = await created(socket, stream_id="a")
    await socket.send_command("response.create", **(ASKED | {"model": "none"}), stream_id="a")
    await socket.send_command("response.create", **ASKED, stream_id="a")
    await answered(log, first)
    await socket.until("response.completed")
    refusal = await socket.frame()
    assert (refusal["error"]["code"], refusal["stream_id"]) == ("model_not_found", "a")
    assert (await socket.frame())["type"] == "response.created"


async def test_a_lane_goes_on_when_its_response_is_stopped_elsewhere(socket: Socket, log: Log) -> None:
    first = await created(socket)
    await socket.send_command("response.create", **ASKED)
    await end(log, first, Ending("cancelled", 5.0))
    assert (await socket.until("response.incomplete"))[-1]["response"]["status"] == "cancelled"
    assert (await socket.frame())["type"] == "response.created"


async def test_a_client_that_unsubscribes_frees_the_lane(socket: Socket, log: Log) -> None:
    first = await created(socket)
    await socket.send_command("response.create", **ASKED)
    await socket.send_command("tailrace:unsubscribe", response_id=first)
    frame = await socket.frame()
    assert (frame["type"], frame["response"]["id"] != first) == ("response.created", True)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"stream": False}, "invalid_field", "stream"),
        ({"stream_id": "a/b"}, "invalid_stream_id", "stream_id"),
        ({"type": "response.steer"}, "unknown_type", "type"),
    ],
)
async def test_what_this_socket_cannot_do_is_refused(
    socket: Socket, fields: dict[str, Any], code: str, param: str
) -> None:
    await socket.send_json_to({"type": "response.create", **ASKED} | fields)
    assert await socket.refusal() == (400, code, param)
    assert await counted() == (0, 0)


async def test_a_request_again_gets_the_response_of_the_first(socket: Socket, text: str, log: Log) -> None:
    once = {"client_request_id": "c"}
    response_id = await created(socket, tailrace=once)
    await answered(log, response_id)
    async with program(text) as again:
        await again.send_command("response.create", **ASKED, tailrace=once)
        frames = await again.until("response.completed")
        assert frames[0]["type"] == "response.created"
        assert frames[-1]["response"]["id"] == response_id


async def test_a_request_again_after_a_lost_call_begins_with_the_later_attempt(
    socket: Socket, text: str, log: Log
) -> None:
    response_id = await created(socket, tailrace={"client_request_id": "c"})
    answer = await Answer.of(log, response_id)
    await answer.start()
    await answer.write(answer.writer.add_parts(CallPart(0, "f", "c1", "{}")))
    await answer.start(2)
    await answer.add("Two")
    await on_rows(Response.objects.update, attempt=2, status=Status.IN_PROGRESS)
    async with program(text) as again:
        await again.send_command("response.create", **ASKED, tailrace={"client_request_id": "c"})
        frames = await again.until("response.output_text.delta")
        assert [frame["type"] for frame in frames][:2] == ["response.created", "response.queued"]
        assert frames[-1]["delta"] == "Two"


# leaving


async def statuses(*response_ids: str) -> list[str]:
    return [(await saved(response_id)).status for response_id in response_ids]


async def test_what_is_not_stored_ends_with_its_socket(text: str, log: Log, broker: Broker) -> None:
    async with program(text) as socket:
        kept = await created(socket, stream_id="a")
        unread = await created(socket, store=False, stream_id="b")
        named = await created(socket, store=False, stream_id="c", tailrace={"client_request_id": "c"})
        background = await created(socket, store=False, stream_id="d", background=True)

    def has_ended() -> bool:
        return Response.objects.get(pk=unread).status == Status.CANCELLED

    await eventually(has_ended)
    assert await statuses(kept, named, background) == [Status.QUEUED] * 3


async def test_what_had_ended_is_not_cancelled(
    text: str, log: Log, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = AsyncMock()
    monkeypatch.setattr(programs, "end", ended)
    async with program(text) as socket:
        await answered(log, await created(socket, store=False))
        await socket.until("response.completed")
        await created(socket)
    assert not ended.called


async def test_a_process_that_stops_cancels_nothing(
    text: str, log: Log, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = Draining()
    stopping.has_begun = True
    monkeypatch.setattr(programs, "draining", stopping)
    async with program(text) as socket:
        response_id = await created(socket, store=False)
    async with program(text) as socket:
        await created(socket)
    assert await statuses(response_id) == [Status.QUEUED]


async def test_an_answer_that_its_reader_leaves_alone_ends(socket: Socket, log: Log) -> None:
    response_id = await created(socket, store=False)
    await socket.send_command("tailrace:unsubscribe", response_id=response_id)
    await eventually(lambda: Response.objects.get(pk=response_id).status == Status.CANCELLED)


async def test_a_socket_that_ends_while_it_asks_leaves_no_half_of_a_response(
    text: str, log: Log, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = asyncio.Event()
    submit = creation.submit

    async def slow(*args: Any) -> Any:
        await goes_on.wait()
        return await submit(*args)

    monkeypatch.setattr(programs, "submit", slow)
    async with program(text) as socket:
        await socket.send_command("response.create", **ASKED, store=False)
        await no_frame_waits(socket)
    goes_on.set()
    await eventually(lambda: Response.objects.filter(status=Status.CANCELLED).count() == 1)


async def test_an_answer_that_cannot_be_followed_ends(
    socket: Socket, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(PlainSubscriber, "subscribe", AsyncMock(side_effect=LogError))
        await socket.send_command("response.create", **ASKED, store=False)
        assert await socket.refusal() == (503, "busy", None)
    await eventually(lambda: Response.objects.filter(status=Status.CANCELLED).count() == 1)
    await created(socket)


@pytest.mark.usefixtures("log")
async def test_no_request_is_held_while_its_answer_runs(socket: Socket) -> None:
    question = "x" * 1_000
    await created(socket, input=question)
    await created(socket, input=question, stream_id="other")

    def is_forgotten() -> bool:
        gc.collect()
        held = [each for each in gc.get_objects() if isinstance(each, Create | Response)]
        return not [each for each in held if question in str(vars(each))]

    await await_until(is_forgotten, 5, "the question is forgotten")  # a thread may not have ended


async def test_a_chain_of_unstored_responses(socket: Socket, log: Log) -> None:
    first = await created(socket, store=False)
    await answered(log, first)
    await socket.until("response.completed")
    second = await created(socket, store=False, previous_response_id=first)
    assert (await saved(second)).previous_id == (await saved(first)).pk
