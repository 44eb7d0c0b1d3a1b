"""The bounds of one user's sockets: the rate is exact, and closed sockets give back what they took."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from chat.models import Status
from chat.protocol.commands import MAX_SERVER_FRAME_BYTES, parse
from chat.protocol.errors import TOO_MANY, CommandError
from chat.sockets import bounds, consumer
from chat.sockets.bounds import MAX_REFUSALS, TOKEN_CHARS, CommandRate, TokenBucket
from chat.streaming import subscriber
from chat.streaming.backpressure import ClientConnection
from chat.transport.event_log import Log
from tests.chat.communicator import FRAME_SECS, PATH, Socket, eventually, opened
from tests.chat.rows import on_rows, stored
from tests.harness.broker import Broker

NOTHING = "01234567-89ab-7def-8123-456789abcdef"


@given(st.lists(st.floats(0, 5)), st.integers(1, 10), st.integers(1, 600))
def test_a_bucket_gives_its_burst_and_its_rate_and_no_more(
    pauses: list[float], burst: int, per_minute: int
) -> None:
    bucket, now, taken = TokenBucket(burst, per_minute), 0.0, 0
    for pause in pauses:
        now += pause
        taken += not bucket.take(now)
    assert taken <= burst + now * per_minute / 60 + 1


@given(st.integers(1, 10), st.integers(1, 600), st.integers(0, 30))
def test_the_time_to_wait_is_exact(burst: int, per_minute: int, extra: int) -> None:
    bucket, now = TokenBucket(burst, per_minute), 1_000_000.0
    assert [bucket.take(now) for _ in range(burst)] == [0] * burst
    for _ in range(extra):
        wait = bucket.take(now)
        assert 0 < wait <= 60 / per_minute + 0.001
        assert bucket.take(now + wait - 0.002) > 0
        now += wait
        assert bucket.take(now) == 0


def command(kind: str, **fields: Any) -> Any:
    return parse(
        f'{{"type": "{kind}", "response_id": "{NOTHING}"'
        + "".join(f', "{name}": {value}' for name, value in fields.items())
        + "}"
    )


def allowed(rate: CommandRate, kind: Any) -> int:
    for count in range(10_000):
        try:
            rate.require(kind, 0)
        except CommandError:
            return count
    return 10_000


def test_each_kind_of_command_has_its_rate() -> None:
    rate = CommandRate()
    assert allowed(rate, command("tailrace:cancel")) == 60
    assert allowed(rate, None) == 0  # a bad frame counts as a command
    assert allowed(rate, command("tailrace:subscribe")) == 200
    assert allowed(rate, command("tailrace:ack", sequence_number=1)) == 1_000


def test_a_long_frame_costs_a_token_for_each_piece() -> None:
    rate = CommandRate()
    rate.require_length("x" * (TOKEN_CHARS - 1), 0)
    rate.require_length("x" * 55 * TOKEN_CHARS, 0)
    assert allowed(rate, None) == 5
    with pytest.raises(CommandError) as refused:
        rate.require_length("x" * 10 * TOKEN_CHARS, 0)
    assert (refused.value.code, refused.value.retry_after) == ("slow_down", 5)
    assert rate.refusals == 1 + 10
    rate.require_length("x" * 10 * TOKEN_CHARS, 5)


def test_the_longest_frame_fits_into_the_burst() -> None:
    rate = CommandRate()
    rate.require_length("x" * MAX_SERVER_FRAME_BYTES, 0)
    rate.require(None, 0)


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    assert not bounds._sockets
    assert not bounds._followed


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token returns, however long the frames take."""
    monkeypatch.setattr(consumer, "time", SimpleNamespace(monotonic=lambda: 0.0))


@pytest.mark.usefixtures("no_time_passes")
async def test_a_client_that_is_too_fast_hears_when_to_go_on_and_is_closed_if_it_does_not_wait(
    owner: User, log: Log
) -> None:
    async with opened(owner) as socket:
        for _ in range(60 + MAX_REFUSALS + 1):
            await socket.send_to(text_data="{}")
        codes = [(await socket.frame()) for _ in range(60 + MAX_REFUSALS + 1)]
        assert [frame["error"]["code"] for frame in codes[:60]] == ["missing_field"] * 60
        assert {frame["error"]["code"] for frame in codes[60:]} == {"slow_down"}
        assert {frame["retry_after"] for frame in codes[60:]} == {0.5}
        assert await socket.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": TOO_MANY}


@pytest.mark.usefixtures("no_time_passes")
async def test_a_long_frame_that_is_too_much_is_not_parsed_and_nothing_is_read_for_a_time(
    owner: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[float] = []

    def stopping(connection: ClientConnection, send: Any) -> None:
        original(connection, send)
        connection.stop_reading = stopped.append

    original = ClientConnection.__init__
    monkeypatch.setattr(ClientConnection, "__init__", stopping)
    async with opened(owner) as socket:
        for _ in range(3):
            await socket.send_to(text_data='{"k": "' + "x" * 25 * TOKEN_CHARS + '"}')
        frames = [await socket.frame() for _ in range(3)]
    assert [frame["error"]["code"] for frame in frames] == ["missing_field", "missing_field", "slow_down"]
    assert stopped == [frames[2]["retry_after"]] == [8.5]


async def test_beyond_its_sockets_a_user_is_refused_and_others_are_not(
    owner: User, stranger: User, log: Log, settings: Settings
) -> None:
    settings.TAILRACE_MAX_SOCKETS = 2
    async with opened(owner), opened(owner) as second:
        async with opened(owner) as third:
            assert await third.refusal() == (429, "too_many_sockets", None)
            assert await third.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": TOO_MANY}
        async with opened(stranger) as other:
            await works(other)
        await works(second)
    async with opened(owner) as again:
        await works(again)


MOST_FRAMES = 5_000  # on a slow machine more are allowed meanwhile


@pytest.mark.parametrize("path", [PATH, "/ws/openai/"])
async def test_both_sockets_count_and_have_a_rate(
    owner: User, log: Log, settings: Settings, path: str
) -> None:
    settings.TAILRACE_MAX_SOCKETS = 1
    async with opened(owner, path) as socket:
        async with opened(owner, "/ws/openai/") as second:
            assert await second.refusal() == (429, "too_many_sockets", None)
            assert await second.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": TOO_MANY}
        codes: list[str] = []
        while codes.count("slow_down") <= MAX_REFUSALS and len(codes) < MOST_FRAMES:
            await socket.send_to(text_data="{}")
            codes.append((await socket.frame())["error"]["code"])
        assert codes[:60].count("slow_down") == 0
        assert await socket.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": TOO_MANY}


@pytest.mark.usefixtures("broker")
async def test_the_minimal_socket_has_the_limits_of_its_owner(
    owner: User, log: Log, settings: Settings
) -> None:
    settings.TAILRACE_MAX_RUNNING, settings.TAILRACE_MAX_WAITING = 1, 1
    async with opened(owner, "/ws/openai/") as socket:
        for _ in range(3):
            await socket.send_json_to({"message": "start"})
        refused = await socket.frame()
        assert (refused["error"]["code"], refused["retry_after"]) == ("too_many_waiting", 5)


async def works(socket: Socket) -> None:
    await socket.send_command("tailrace:cancel", response_id=NOTHING)
    assert await socket.refusal() == (404, "response_not_found", "response_id")


async def test_all_sockets_of_a_user_follow_a_limited_number(
    owner: User, stranger: User, log: Log, monkeypatch: pytest.MonkeyPatch, broker: Broker
) -> None:
    monkeypatch.setattr(subscriber, "MAX_FOLLOWED", 3)
    rows = [await on_rows(stored, owner, status=Status.IN_PROGRESS) for _ in range(4)]
    ids = [row.wire_id for row in rows]
    async with opened(owner) as one, opened(owner) as two:
        for socket, response_id in ((one, ids[0]), (one, ids[1]), (two, ids[2])):
            await follow(socket, response_id)
        await two.send_command("tailrace:subscribe", response_id=ids[3])
        assert await two.refusal() == (429, "too_many_followed", None)
        await follow(two, ids[2])  # again, which replaces the first
        async with opened(stranger) as other:
            await follow(other, (await on_rows(stored, stranger, status=Status.IN_PROGRESS)).wire_id)
        await one.send_command("tailrace:unsubscribe", response_id=ids[0])
        await eventually(lambda: bounds._followed[owner.pk].count == 2)
        await follow(two, ids[3])


async def follow(socket: Socket, response_id: str) -> None:
    await socket.send_command("tailrace:subscribe", response_id=response_id)
    await socket.until("tailrace:up_to_date")
