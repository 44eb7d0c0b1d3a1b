"""A conversation's turns as JSON: the shown path, from its end, a page at a time."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from chat.conversations.tree import Tree
from chat.ids import RESPONSE, bare, wire_id
from chat.models import Conversation, Response
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON


def turns(conversation: Conversation, before: str = "", after: str = "") -> list[JSON]:
    """The latest turns of the path of newest versions, with their other versions, oldest first.

    `before`: the turns above a response; `after`: those below it. Raises CommandError for an unknown one.
    Ids are read of all, texts of the returned ones only.
    """
    tree = Tree(conversation.responses.order_by("id").values_list("id", "previous_id"))
    if before:
        path = tree.above(_known(tree, before, "before"))
    elif after:
        path = tree.below(_known(tree, after, "after"))
    else:
        path = tree.latest()
    ids = tree.with_versions(path)
    rows: Iterable[Response] = conversation.responses.filter(pk__in=ids).order_by("id")
    return [turn(row) | {"continues": tree.continues(row.pk, ids)} for row in rows]


def _known(tree: Tree, response_id: str, param: str) -> UUID:
    try:
        found = UUID(bare(RESPONSE, response_id))
    except ValueError:
        found = None
    if found is None or found not in tree:
        raise CommandError("invalid_field", param)
    return found


def turn(response: Response) -> JSON:
    """A response for the page. Times: Unix seconds."""
    return {
        "id": response.wire_id,
        "previous_response_id": wire_id(RESPONSE, response.previous_id) if response.previous_id else None,
        "input": response.input_text,
        "output": response.items,
        "status": response.status,
        "error": response.error(),
        "incomplete_details": response.incomplete_details(),
        "model": response.model,
        "usage": response.usage,
        "omitted_turns": response.omitted_turns,
        "created_at": response.queued_at.timestamp(),
        "started_at": _seconds(response.started_at),
        "first_token_at": _seconds(response.first_token_at),
        "ended_at": _seconds(response.ended_at),
    }


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
