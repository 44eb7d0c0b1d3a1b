"""A response for readers of a link: lists of permitted fields, never a whole row or object.

Of answers the messages alone: no reasoning, no calls, no usage, no error's code, no figures. A numbered event
that is not permitted becomes `tailrace:hidden`, so that the numbers stay without a gap.
"""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from chat.conversations.turns import question_files
from chat.file_models import File
from chat.ids import RESPONSE, wire_id
from chat.models import Response
from chat.protocol.events import JSON
from chat.protocol.input_items import response_of

HIDDEN = "tailrace:hidden"
OF_RESPONSE = ("id", "status", "incomplete_details")
OF_MESSAGE = ("id", "type", "role", "status")
TEXTS = {"output_text": "text", "refusal": "refusal"}  # types of parts, and their texts
OF_DELTA = ("item_id", "output_index", "content_index", "delta")
OF_EVENT: Mapping[str, tuple[str, ...]] = {
    "response.created": (),
    "response.queued": (),
    "response.in_progress": (),
    "response.completed": (),
    "response.incomplete": (),
    "response.failed": (),
    "response.output_text.delta": OF_DELTA,
    "response.refusal.delta": OF_DELTA,
    "tailrace:snapshot": ("response_id",),
    "tailrace:restarted": ("response_id", "attempt", "reason"),
    "tailrace:continued": ("response_id", "attempt", "reason"),
    "tailrace:waiting": ("response_id", "seconds", "until"),
    "tailrace:up_to_date": ("response_id", "latest"),
    "tailrace:heartbeat": ("response_id", "latest"),
}

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def shared_turn(row: Response, files: Mapping[str, File] = MappingProxyType({})) -> JSON:
    """A turn for the page. `files`: those that its question may have."""
    return {
        "id": row.wire_id,
        "previous_response_id": wire_id(RESPONSE, row.previous_id) if row.previous_id else None,
        "input": row.input_text,
        "attachments": [
            {"id": file.wire_id, "name": file.name, "image": file.is_image}
            for file in question_files(row, files)
        ],
        "output": shared_items(row.items),
        "status": row.status,
        "added": not row.model,
        "incomplete_details": row.incomplete_details(),
    }


def shared_items(items: Iterable[Any]) -> list[JSON]:
    """The messages of an answer."""
    return [
        _picked(item, OF_MESSAGE)
        | {"content": [_part(part) for part in item["content"] if part["type"] in TEXTS]}
        for item in items
        if item["type"] == "message"
    ]


def shared_event(text: str) -> str | None:
    """An encoded event or frame of a response for a reader of the link; None: not sent."""
    event: JSON = json.loads(text)
    if event["type"] not in OF_EVENT:
        return _hidden(event) if "sequence_number" in event else None
    shared = _picked(event, ("type", "sequence_number", *OF_EVENT[event["type"]]))
    if "response" in event:
        response = event["response"]
        shared["response"] = _picked(response, OF_RESPONSE) | {"output": shared_items(response["output"])}
    if event.get("waiting"):  # of a snapshot
        shared["waiting"] = _picked(event["waiting"], ("seconds", "until"))
    return _dumps(shared)


def _hidden(event: JSON) -> str:
    """Only the number, and the response that the event's item names."""
    item_id = event.get("item_id") or (event.get("item") or {}).get("id", "")
    found = response_of(item_id)
    response_id = wire_id(RESPONSE, found) if found else event.get("response_id")
    number = event["sequence_number"]
    return _dumps({"type": HIDDEN, "sequence_number": number, "response_id": response_id})


def _part(part: JSON) -> JSON:
    name = TEXTS[part["type"]]
    return {"type": part["type"], name: part[name]}


def _picked(whole: JSON, names: Iterable[str]) -> JSON:
    return {name: whole[name] for name in names if name in whole}
