"""A conversation as Markdown or JSON, in pieces: of a long one only some turns are in memory."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID

from chat.conversations.tree import Tree
from chat.conversations.turns import files_of
from chat.file_models import File
from chat.files.names import clean
from chat.models import Conversation, Response, Status
from chat.protocol.events import JSON
from chat.protocol.input_items import file_parts
from chat.responses.representation import response_object

TURNS_AT_ONCE = 20
MAX_NAME_CHARS = 60  # at most 240 bytes of UTF-8; file systems take 255
NO_NAME = re.compile(r'[/\\:*?"<>|]')  # a separator, or refused by Windows

FileName = Callable[[File], str]


def file_name(title: str) -> str:
    """A title as the name of a file, without an ending."""
    name = clean(NO_NAME.sub("-", title).strip(" .") or "conversation")
    return name[:MAX_NAME_CHARS].strip(" .")


def as_markdown(conversation: Conversation, name_of: FileName) -> Iterator[str]:
    """The path of the newest versions. `name_of`: what a file's line shows."""
    yield f"# {conversation.title or 'Conversation'}\n"
    tree = Tree(conversation.responses.order_by("id").values_list("id", "previous_id"))
    for row, files in _turns(tree.newest_path()):
        yield _question(row, [name_of(file) for file in files])
        yield _answer(row)


def as_json(conversation: Conversation, name_of: FileName) -> Iterator[str]:
    """All versions, as OpenAI's response objects with their input, and all times as Unix seconds."""
    head: JSON = {
        "id": conversation.wire_id,
        "object": "conversation",
        "title": conversation.title,
        "created_at": conversation.created_at.timestamp(),
        "updated_at": conversation.updated_at.timestamp(),
        "responses": [],
    }
    yield _encoded(head).removesuffix("]}")
    ids = list(conversation.responses.order_by("id").values_list("id", flat=True))
    for number, (row, files) in enumerate(_turns(ids)):
        yield (",\n" if number else "\n") + _encoded(_object(row, files, name_of))
    yield "\n]}\n"


def _turns(ids: list[UUID]) -> Iterator[tuple[Response, list[File]]]:
    """The rows in the order of their ids, each with the files of its question."""
    for start in range(0, len(ids), TURNS_AT_ONCE):
        page = ids[start : start + TURNS_AT_ONCE]
        found = Response.objects.in_bulk(page)
        rows = [found[each] for each in page if each in found]
        files = files_of(rows)
        for row in rows:
            named = dict.fromkeys(part.file_id for part in file_parts(row.input))
            yield row, [files[each] for each in named if each in files]


def _object(row: Response, files: list[File], name_of: FileName) -> JSON:
    times = ("queued_at", "started_at", "first_token_at", "ended_at")
    moments = {name: getattr(row, name) for name in times}
    return {
        **response_object(row),
        "input": row.input,
        "files": [file.wire() | {"media_type": file.media_type, "path": name_of(file)} for file in files],
        **{name: moment and moment.timestamp() for name, moment in moments.items()},
    }


def _question(row: Response, files: list[str]) -> str:
    names = "".join(f"\n- File: {name}" for name in files)
    return f"\n## Question, {_moment(row.queued_at)}\n\n{row.input_text}\n{names and names + chr(10)}"


def _answer(row: Response) -> str:
    parts = [f"\n## Answer of {row.model}" + (f", {_moment(row.ended_at)}" if row.ended_at else "")]
    if row.reasoning:
        parts.append(f"<details><summary>Reasoning</summary>\n\n{row.reasoning}\n\n</details>")
    parts += [text for text in (row.output, *_calls(row), _ending(row)) if text]
    return "\n\n".join(parts) + "\n"


def _calls(row: Response) -> Iterator[str]:
    for item in row.items:
        if item.get("type") == "function_call":
            yield f"Call of `{item.get('name')}`:\n\n```json\n{item.get('arguments')}\n```"


def _ending(row: Response) -> str:
    match row.status:
        case Status.COMPLETED:
            return ""
        case Status.INCOMPLETE:
            return f"*Cut off: {row.incomplete_reason}*"
        case Status.FAILED:
            return f"*Failed: {(row.error() or {'message': ''})['message']}*"
        case Status.CANCELLED:
            return "*Stopped*"
    return "*Not answered yet*"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _encoded(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False)
