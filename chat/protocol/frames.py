"""Frames of the connection, beside the events of a log: not numbered, in no log."""

import json

from chat.protocol.events import JSON

MOVING_SECS = 1  # for a client to reconnect after `tailrace:moving`

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def up_to_date(response_id: str, latest: int) -> str:
    """Ends a replay: live events follow."""
    return _dumps({"type": "tailrace:up_to_date", "response_id": response_id, "latest": latest})


def heartbeat(response_id: str, latest: int) -> str:
    """Sent while no event comes."""
    return _dumps({"type": "tailrace:heartbeat", "response_id": response_id, "latest": latest})


def queue(response_id: str, position: int) -> str:
    """The number of responses queued ahead."""
    return _dumps({"type": "tailrace:queue", "response_id": response_id, "position": position})


def conversation_changed(conversation: JSON, response: JSON | None) -> str:
    """A changed conversation and any response that changed it."""
    return _dumps({"type": "tailrace:conversation", "conversation": conversation, "response": response})


def shared_changed() -> str:
    """The conversation that a link shows has changed: fetch it."""
    return _dumps({"type": "tailrace:shared_changed"})


def moving() -> str:
    """Announce that this web process stops and closes the socket: another one serves the next."""
    return _dumps({"type": "tailrace:moving", "reconnect_seconds": MOVING_SECS})


def with_stream_id(text: str, stream_id: str) -> str:
    """Add a `stream_id` to an encoded event."""
    return f'{{"stream_id":{json.dumps(stream_id)},{text[1:]}'
