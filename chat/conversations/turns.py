"""A conversation's turns as JSON: the shown path, from its end, a page at a time."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from django.utils import timezone

from chat.conversations.tree import Tree
from chat.file_models import File, parse_wire_id
from chat.ids import RESPONSE, bare, wire_id
from chat.models import Conversation, Response
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.input_items import file_parts

UNSHOWN = ("asked", "output", "reasoning", "metadata")  # columns


def turns(conversation: Conversation, before: str = "", after: str = "", at: str = "") -> list[JSON]:
    """The latest turns of the path of newest versions, with their other versions, oldest first.

    `before`: the turns above a response; `after`: those below it; `at`: both, and itself. Raises CommandError
    for an unknown one.
    A page is bounded in turns and in bytes. Ids are read of all turns, sizes of some, texts of the returned.
    """
    tree = Tree(conversation.responses.order_by("id").values_list("id", "previous_id"))
    if before:
        upper, lower = tree.above(_known(tree, before, "before")), list[UUID]()
    elif after:
        upper, lower = [], tree.below(_known(tree, after, "after"))
    elif at:
        upper, lower = tree.around(_known(tree, at, "at"))
    else:
        upper, lower = tree.latest(), []
    sizes = conversation.responses.filter(pk__in=tree.with_versions(upper + lower)).text_bytes()
    path = tree.fitting(upper, sizes, first=False) + tree.fitting(lower, sizes, first=True)
    ids = tree.with_versions(path, sizes)
    shown = conversation.responses.filter(pk__in=ids).defer(*UNSHOWN).order_by("id")
    rows: list[Response] = list(shown)
    files = files_of(rows)
    return [turn(row, files) | {"continues": tree.continues(row.pk, ids)} for row in rows]


def newest_path(conversation_id: UUID) -> list[UUID]:
    """The ids of the path of newest versions, from its first turn."""
    rows = Response.objects.filter(conversation_id=conversation_id).order_by("id")
    return Tree(rows.values_list("id", "previous_id")).newest_path()


def files_of(rows: Iterable[Response]) -> dict[str, File]:
    """The files in the questions, by their ids for clients; without any, no query."""
    named = {parse_wire_id(part.file_id) for row in rows for part in file_parts(row.input)}
    return {file.wire_id: file for file in File.objects.filter(pk__in=filter(None, named))}


def _known(tree: Tree, response_id: str, param: str) -> UUID:
    try:
        found = UUID(bare(RESPONSE, response_id))
    except ValueError:
        found = None
    if found is None or found not in tree:
        raise CommandError("invalid_field", param)
    return found


def question_files(response: Response, files: Mapping[str, File]) -> list[File]:
    """The files in a question, each once, of those that it may have."""
    ids = dict.fromkeys(part.file_id for part in file_parts(response.input))
    return [files[file_id] for file_id in ids if file_id in files]


def turn(response: Response, files: Mapping[str, File] = MappingProxyType({})) -> JSON:
    """A response for the page. Times: Unix seconds. `files`: those that its question may have."""
    return {
        "id": response.wire_id,
        "previous_response_id": wire_id(RESPONSE, response.previous_id) if response.previous_id else None,
        "input": response.input_text,
        "attachments": [_attachment(file) for file in question_files(response, files)],
        "output": response.items,
        "status": response.status,
        "error": response.error(),
        "incomplete_details": response.incomplete_details(),
        "model": response.model,
        "added": not response.model,
        "usage": response.usage,
        "omitted_turns": response.omitted_turns,
        "settings": {
            "instructions": response.instructions,
            "temperature": response.temperature,
            "max_output_tokens": response.max_output_tokens,
            "effort": response.request.get("reasoning", {}).get("effort"),
        },
        "losses": response.losses,
        "created_at": response.queued_at.timestamp(),
        "age": (timezone.now() - response.queued_at).total_seconds() if response.live else None,
        "started_at": _seconds(response.started_at),
        "first_token_at": _seconds(response.first_token_at),
        "ended_at": _seconds(response.ended_at),
    }


def _attachment(file: File) -> JSON:
    return {"id": file.wire_id, "name": file.name, "image": file.is_image, "text": file.is_text}


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
