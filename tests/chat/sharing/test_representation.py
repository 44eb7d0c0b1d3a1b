"""A reader of a link gets the permitted fields, and no other column of any row."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from chat.models import Conversation, Response, Status
from chat.protocol.composer import Ending, append, finish, opening
from chat.protocol.events import EVENTS, Snapshot, encode
from chat.protocol.pieces import CallPart, ItemPart, Piece
from chat.protocol.state import ResponseState
from chat.responses.representation import response_object
from chat.sharing.representation import OF_EVENT, shared_event, shared_items, shared_turn
from tests.chat.rows import answer, question, stored

CANARY = "canary"
SHOWN = "shown to readers"


def planted(field: "models.Field[Any, Any]") -> Any:
    """A value of a column that no reader may see."""
    if isinstance(field, models.JSONField):
        return {CANARY: CANARY}
    if isinstance(field, models.CharField | models.TextField):
        return CANARY
    return None


@pytest.fixture
def row(owner: User) -> Response:
    """A response with a canary in every column of text that is not shown, and in every item."""
    shown = {"id", "conversation", "owner", "previous", "input", "items", "status", "incomplete_reason"}
    columns = {field.name: planted(field) for field in Response._meta.fields if field.name not in shown}
    columns = {name: value for name, value in columns.items() if value is not None}
    User.objects.filter(pk=owner.pk).update(username=CANARY, first_name=CANARY, email=f"{CANARY}@x.org")
    asked = [question(SHOWN), question(CANARY, role="developer"), question(CANARY, role="system")]
    text = {"type": "output_text", "text": SHOWN, "annotations": [CANARY], "logprobs": [CANARY]}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", CANARY: CANARY}
    items: list[Any] = [
        {"id": "rs_1", "type": "reasoning", "content": [{"type": "reasoning_text", "text": CANARY}]},
        message | {"content": [text, {"type": CANARY, "text": CANARY}]},
        {"id": "fc_1", "type": "function_call", "name": CANARY, "arguments": CANARY, "call_id": CANARY},
        {"id": "ws_1", "type": "web_search_call", "action": CANARY},
    ]
    conversation = Conversation.objects.create(owner=owner, title=SHOWN)
    return stored(
        owner,
        conversation=conversation,
        **columns | {"input": asked, "items": items, "status": Status.FAILED, "answered": True},
        ended_at=timezone.now(),
    )


@pytest.mark.django_db
def test_a_turn_has_no_other_column(row: Response) -> None:
    turn = shared_turn(row)
    assert CANARY not in json.dumps(turn)
    assert turn == {
        "id": row.wire_id,
        "previous_response_id": None,
        "input": SHOWN,
        "attachments": [],
        "output": shared_items(row.items),
        "status": "failed",
        "added": False,
        "incomplete_details": None,
    }
    (message,) = turn["output"]
    assert message["content"] == [{"type": "output_text", "text": SHOWN}]


@pytest.mark.django_db
def test_a_snapshot_of_the_row_has_no_other_column(row: Response) -> None:
    whole = response_object(row)
    assert CANARY in json.dumps(whole)
    text = encode(Snapshot(sequence_number=3, response_id=row.wire_id, response=whole))
    shared = shared_event(text)
    assert shared is not None
    assert CANARY not in shared
    assert json.loads(shared)["response"].keys() == {"id", "status", "incomplete_details", "output"}


@pytest.mark.django_db
def test_events_of_an_answer_keep_their_numbers_and_the_text_alone(row: Response) -> None:
    row.items, row.status = [], Status.QUEUED
    state = ResponseState.fold(opening(response_object(row)))
    pieces: list[Piece | CallPart | ItemPart] = [
        Piece("reasoning", CANARY),
        Piece("text", "shown "),
        Piece("text", "text"),
    ]
    events = [*opening(response_object(row)), *append(state, pieces)]
    closing, terminal = finish(state, Ending("completed", 0))
    shared = [shared_event(encode(event)) for event in [*events, *closing, terminal]]
    assert None not in shared
    frames = [json.loads(text or "") for text in shared]
    assert CANARY not in json.dumps(frames)
    assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
    assert "".join(frame.get("delta", "") for frame in frames) == "shown text"
    hidden = [frame for frame in frames if frame["type"] == "tailrace:hidden"]
    assert {frame["response_id"] for frame in hidden} == {row.wire_id}
    assert hidden[0].keys() == {"type", "sequence_number", "response_id"}


def test_every_kind_of_event_is_decided() -> None:
    """A new kind of event is hidden until it is in the list."""
    hidden = {
        "response.output_item.added",
        "response.output_item.done",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.done",
        "response.reasoning_text.delta",
        "response.reasoning_text.done",
        "response.refusal.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
    }
    assert EVENTS.keys() - OF_EVENT.keys() == hidden
    assert OF_EVENT.keys() - EVENTS.keys() == {"tailrace:up_to_date", "tailrace:heartbeat"}


def test_frames_without_a_number_are_left_out_unless_they_are_permitted() -> None:
    assert shared_event('{"type":"tailrace:queue","response_id":"resp_1","position":3}') is None
    assert shared_event('{"type":"tailrace:conversation","conversation":{}}') is None
    assert shared_event('{"type":"tailrace:heartbeat","response_id":"resp_1","latest":3,"x":1}') == (
        '{"type":"tailrace:heartbeat","response_id":"resp_1","latest":3}'
    )


def test_a_message_of_another_form_shows_its_texts() -> None:
    assert shared_items([answer("Two metres.")])[0]["content"] == [
        {"type": "output_text", "text": "Two metres."}
    ]
