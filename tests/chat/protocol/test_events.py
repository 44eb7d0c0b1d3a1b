"""Events: what is written is what is read, by us and by the official SDK."""

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from chat.protocol import events
from chat.protocol.composer import Ending
from chat.protocol.errors import ProtocolError
from chat.protocol.events import EVENTS, JSON, TERMINAL, Created, Event, Queued, TextDelta, decode, encode
from chat.protocol.objects import ResponseObject
from chat.protocol.pieces import CallPart, ItemPart, Piece
from chat.protocol.state import Wait
from tests.chat.protocol import lives
from tests.harness.writer import Writer

OFFICIAL: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
RESPONSE: ResponseObject = lives.RESPONSE | {
    "created_at": 1,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "m",
    "parallel_tool_calls": False,
    "temperature": 1.0,
    "tool_choice": "none",
    "tools": [],
}
ENDINGS = [
    Ending("completed", at=5),
    Ending("incomplete", at=5, incomplete_reason="max_output_tokens"),
    Ending("cancelled", at=5),
    Ending("failed", at=5, error_code="rate_limit_exceeded"),
]


def life(ending: Ending) -> list[Event]:
    """The events of a response that is restarted once, has to wait, reasons, answers and ends."""
    opening: list[Event] = [
        Created(sequence_number=0, response=RESPONSE),
        Queued(sequence_number=1, response=RESPONSE),
    ]
    writer = Writer.after(opening)
    written = [*opening, *writer.start(1), *writer.add("lost"), *writer.start(2)]
    written += writer.add("kept") + writer.start(3, resume=True)
    written += [*writer.wait(Wait("rate_limit_exceeded", 4.0, 104.5)), writer.state.snapshot()]
    written += writer.add(reasoning="hm") + writer.add(" “ü”\u2028\n", reasoning="…")
    written += writer.add_parts(Piece("refusal", "No."), CallPart(0, "f", "call_1", '{"a"'), CallPart(1, "g"))
    written += writer.add_parts(CallPart(0, arguments=":1}"))
    written += writer.add_parts(ItemPart(0, lives.SEARCH, done=False), ItemPart(0, lives.FOUND, done=True))
    return [*written, writer.state.snapshot(), *writer.finish(ending)]


LIVES = [life(ending) for ending in ENDINGS]
each_life = pytest.mark.parametrize("life", LIVES, ids=[ending.status for ending in ENDINGS])


def test_the_lives_below_hold_every_kind_of_event() -> None:
    assert {event.type for life in LIVES for event in life} == set(EVENTS)
    assert {type(event) for life in LIVES for event in life} == set(EVENTS.values())


@each_life
def test_an_event_is_read_as_it_was_written(life: list[Event]) -> None:
    for event in life:
        assert decode(encode(event)) == event


@each_life
def test_an_event_is_valid_for_the_official_sdk_and_loses_nothing_there(life: list[Event]) -> None:
    for event in life:
        if event.type.startswith("response."):
            official = OFFICIAL.validate_json(encode(event))
            assert official.type == event.type
            written = official.model_dump(mode="json", exclude_unset=True, by_alias=True)
            assert written == json.loads(encode(event))


def test_our_own_events_are_marked() -> None:
    assert [name for name in EVENTS if not name.startswith(("response.", "tailrace:"))] == []


@given(st.text())
def test_any_text_comes_through(text: str) -> None:
    event = TextDelta(sequence_number=3, item_id="i", output_index=0, delta=text)
    assert decode(encode(event)) == event
    assert json.loads(encode(event))["delta"] == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"response.created"',
        "{}",
        '{"type":[]}',
        '{"type":"response.unheard","sequence_number":0}',
        '{"type":"response.created","sequence_number":0}',
        '{"type":"tailrace:heartbeat","response_id":"r","latest":1}',
    ],
)
def test_what_is_not_an_event_of_a_log_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode(text)


@each_life
def test_a_field_that_a_later_version_adds_is_left_out(life: list[Event]) -> None:
    for event in life:
        later = json.loads(encode(event)) | {"of_a_later_version": {"more": 1}}
        assert decode(json.dumps(later)) == event


def test_what_is_added_to_our_own_events_has_a_default() -> None:
    required = {
        name: {f.name for f in fields(kind) if f.default is MISSING} - {"sequence_number"}
        for name, kind in EVENTS.items()
        if name.startswith("tailrace:")
    }
    assert required == {  # the fields of the first version
        "tailrace:restarted": {"response_id", "attempt", "reason"},
        "tailrace:continued": {"response_id", "attempt"},
        "tailrace:waiting": {"response_id", "reason", "seconds", "until"},
        "tailrace:snapshot": {"response_id", "response"},
    }


# events in logs from before these fields
EARLIER = [
    ({"type": "tailrace:continued", "response_id": "r1", "attempt": 2}, {"reason": "worker_lost"}),
    (
        {"type": "tailrace:snapshot", "response_id": "r1", "response": {}},
        {"attempt": 1, "waiting": None, "first_index": 0},
    ),
]


@pytest.mark.parametrize(("body", "added"), EARLIER, ids=lambda body: body.get("type"))
def test_a_field_that_an_earlier_version_did_not_write_has_its_default(body: JSON, added: JSON) -> None:
    earlier = body | {"sequence_number": 3}
    assert decode(json.dumps(earlier)) == decode(json.dumps(earlier | added))


@each_life
def test_an_encoded_event_shows_whether_it_is_the_end(life: list[Event]) -> None:
    for event in life:
        assert events.is_terminal(encode(event)) == isinstance(event, TERMINAL)


def test_a_text_about_the_end_is_not_the_end() -> None:
    delta = '{"type":"response.completed"}'
    assert not events.is_terminal(
        encode(TextDelta(sequence_number=3, item_id="i", output_index=0, delta=delta))
    )


def test_an_opening_that_quotes_the_end_is_not_the_end() -> None:
    quoting = RESPONSE | {"metadata": {"type": "response.completed"}}
    assert not events.is_terminal(encode(Created(sequence_number=0, response=quoting)))
