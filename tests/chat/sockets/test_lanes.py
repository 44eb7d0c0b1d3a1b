"""Lanes: which request runs now, and which waits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.commands import Create, create
from chat.protocol.errors import CommandError
from chat.sockets.lanes import MAX_BUSY, MAX_WAITING, MAX_WAITING_CHARS, Lanes


def asked(text: str, stream_id: str | None = None) -> Create:
    fields: dict[str, Any] = {"input": text, "stream_id": stream_id}
    return create({"type": "response.create"} | fields)


def refusal(found: Lanes, command: Create, chars: int = 1) -> tuple[str, str | None]:
    with pytest.raises(CommandError) as refused:
        found.enter(command, chars)
    return refused.value.code, refused.value.stream_id


@given(st.lists(st.sampled_from(["a", "b", None, "end a", "end b", "end None"])))
def test_a_lane_runs_its_requests_one_after_the_other_in_their_order(steps: list[str | None]) -> None:
    found = Lanes()
    running: dict[str, Create] = {}
    came: dict[str, list[Create]] = {"a": [], "b": [], "None": []}
    ran: dict[str, list[Create]] = {"a": [], "b": [], "None": []}
    for number, step in enumerate(steps):
        name = str(step).removeprefix("end ")
        stream_id = None if name == "None" else name
        if str(step).startswith("end"):
            if name in running:
                following = found.next(stream_id)
                del running[name]
                if following is not None:
                    running[name] = following
                    ran[name].append(following)
        else:
            command = asked(str(number), stream_id)
            came[name].append(command)
            is_free = found.enter(command, 1)
            assert is_free == (name not in running)
            if is_free:
                running[name] = command
                ran[name].append(command)
    for name, commands in came.items():
        assert ran[name] == commands[: len(ran[name])]
        assert name in running or ran[name] == commands
    assert found == Lanes() or running  # empty lanes keep nothing


def test_the_requests_that_wait_are_bounded_over_all_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Lanes()
    for stream_id in ("a", "b"):
        found.enter(asked("x", stream_id), MAX_WAITING_CHARS)  # it runs: it does not count
    for number in range(MAX_WAITING):
        found.enter(asked("x", "ab"[number % 2]), 1)
    assert refusal(found, asked("x", "a")) == ("too_many_waiting", "a")
    found.next("b")
    assert found.enter(asked("x", "a"), 1) is False


def test_their_characters_are_bounded() -> None:
    found = Lanes()
    found.enter(asked("x"), 1)
    assert found.enter(asked("x"), MAX_WAITING_CHARS) is False
    assert refusal(found, asked("x")) == ("too_many_waiting", None)
    found.next(None)
    assert found.enter(asked("x"), 1) is False


def test_busy_lanes_are_bounded() -> None:
    found = Lanes()
    for number in range(MAX_BUSY):
        found.enter(asked("x", str(number)), 1)
    assert refusal(found, asked("x", "more")) == ("too_many_followed", "more")
    found.next("7")
    assert found.enter(asked("x", "more"), 1) is True
