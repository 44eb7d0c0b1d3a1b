"""Items that a program adds to a conversation, or deletes from it. All of it blocks.

Added items are turns without a model: ended responses, which pages show and later prompts have.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from chat.accounts.owner_lock import lock_owner
from chat.conversations import of_programs
from chat.conversations.items import find_item, response_with
from chat.file_models import FileUse
from chat.files.claiming import claim
from chat.models import Conversation, Response, Status, outcome_columns
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.input_items import asked, file_parts, with_ids
from chat.protocol.output import item_id
from chat.responses.attachments import attached
from chat.responses.references import resolved
from chat.responses.relatives import title_of
from chat.responses.representation import response_object
from chat.responses.running import latest_response, require_ended

OF_ANSWERS = ("function_call", "reasoning")  # types of items
TEXTS = ("answered", "output", "reasoning", "asked")  # columns

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@dataclass(slots=True)
class AddedTurn:
    """Items that become one turn; `first`: the place of the first one among all that are added."""

    first: int
    asked: list[JSON] = field(default_factory=list)
    answer: list[JSON] = field(default_factory=list)


def as_turns(items: Iterable[JSON]) -> list[AddedTurn]:
    """The items as turns, in their order: each answer follows its question."""
    turns: list[AddedTurn] = []
    for place, item in enumerate(items):
        of_answer = item["type"] in OF_ANSWERS or item.get("role") == "assistant"
        if not turns or (turns[-1].answer and not of_answer):
            turns.append(AddedTurn(place))
        (turns[-1].answer if of_answer else turns[-1].asked).append(item)
    return turns


def create_conversation(
    owner: "AbstractBaseUser", metadata: Mapping[str, str], items: list[JSON]
) -> tuple[Conversation, list[Response]]:
    """Create a conversation with items. Returns it and its turns; raises CommandError as `add_items`."""
    with _stored_files(owner, items) as items, transaction.atomic():
        conversation = of_programs.create(owner.pk, metadata)
        return conversation, _add(owner, conversation, items)


def add_items(owner: "AbstractBaseUser", conversation: Conversation, items: list[JSON]) -> list[Response]:
    """Add items after the latest turn. Returns the new turns. Not in a transaction.

    `items`: as `inputs.normalized` returns them. Raises CommandError, RunningError if the latest turn runs.
    """
    with _stored_files(owner, items) as items, transaction.atomic():
        return _add(owner, conversation, items)


@transaction.atomic
def delete_item(conversation: Conversation, item_id: str) -> Response:
    """Delete an item; returns the response that had it. Raises CommandError, RunningError if it runs."""
    found = response_with(conversation, item_id)
    row = Response.objects.select_for_update().get(pk=found.pk)
    require_ended(row, "conversation_locked", "conversation_id")
    item = find_item(row, item_id)
    row.input = [each for each in row.input if each is not item]
    row.items = [each for each in row.items if each is not item]
    row.save(update_fields=["input", "items", *_set_texts(row)])
    kept = {part.file_id for part in file_parts(row.input)}
    uses = FileUse.objects.filter(response=row).select_related("file")
    FileUse.objects.filter(pk__in=[use.pk for use in uses if use.file.wire_id not in kept]).delete()
    return row


def _add(owner: "AbstractBaseUser", conversation: Conversation, items: list[JSON]) -> list[Response]:
    owner = lock_owner(owner.pk)
    previous, rows = latest_response(conversation.pk), list[Response]()
    for turn in as_turns(resolved(owner.pk, items)):
        previous = _stored(owner, conversation, turn, previous)
        rows.append(previous)
    if rows:
        conversation.updated_at = timezone.now()
        conversation.title = conversation.title or title_of(rows[0].asked)
        conversation.save(update_fields=["updated_at", "title"])
    return rows


def _stored(
    owner: "AbstractBaseUser", conversation: Conversation, turn: AddedTurn, previous: Response | None
) -> Response:
    now = timezone.now()
    row = Response(
        owner_id=owner.pk,
        conversation=conversation,
        previous=previous,
        model="",
        background=False,
        status=Status.COMPLETED,
        sent_at=now,
        ended_at=now,
    )
    row.input = with_ids(turn.asked, row.pk)
    row.items = [
        item | {"id": item_id(item["type"], row.wire_id, place)} for place, item in enumerate(turn.answer)
    ]
    _set_texts(row)
    row.save(force_insert=True)
    claim(owner, row, file_parts([*[{}] * turn.first, *row.input]))
    return row


def _set_texts(row: Response) -> tuple[str, ...]:
    """Set the columns that repeat what the items have. Returns their names."""
    columns = outcome_columns(response_object(row)) | {"asked": asked(row.input)}
    for name in TEXTS:
        setattr(row, name, columns[name])
    return TEXTS


@contextmanager
def _stored_files(owner: "AbstractBaseUser", items: list[JSON]) -> Iterator[list[JSON]]:
    """The items with stored files in place of data. In errors the field of these bodies is `items`."""
    try:
        yield attached(owner, items)
    except CommandError as error:
        if error.param and error.param.startswith("input"):
            error.param = error.param.replace("input", "items", 1)
        raise
