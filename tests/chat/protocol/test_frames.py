"""Frames of the connection: what is in no log."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol import frames
from chat.protocol.events import JSON, Event, encode
from tests.chat.protocol.test_events import LIVES


@given(st.sampled_from(LIVES).flatmap(st.sampled_from), st.text())
def test_a_stream_id_is_added_and_nothing_else_changes(event: Event, stream_id: str) -> None:
    frame = json.loads(frames.with_stream_id(encode(event), stream_id))
    assert frame == json.loads(encode(event)) | {"stream_id": stream_id}


def test_frames_of_the_connection_are_not_numbered() -> None:
    assert json.loads(frames.up_to_date("r1", 7)) == {
        "type": "tailrace:up_to_date",
        "response_id": "r1",
        "latest": 7,
    }
    assert json.loads(frames.heartbeat("r1", 7)) == {
        "type": "tailrace:heartbeat",
        "response_id": "r1",
        "latest": 7,
    }


def test_a_place_in_the_queue_is_of_a_response() -> None:
    assert json.loads(frames.queue("r1", 3)) == {"type": "tailrace:queue", "response_id": "r1", "position": 3}


@pytest.mark.parametrize("response", [None, {"id": "r1"}])
def test_news_of_a_conversation_may_be_about_a_response(response: JSON | None) -> None:
    assert json.loads(frames.conversation_changed({"id": "c1"}, response)) == {
        "type": "tailrace:conversation",
        "conversation": {"id": "c1"},
        "response": response,
    }
