"""A link shows the path of newest versions, a page at a time, and nothing beside it."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from chat.conversations.tree import PER_PAGE
from chat.file_models import File, FileUse
from chat.models import Response
from chat.protocol.errors import CommandError
from chat.sharing.turns import shared_turns, shown_file, shown_response
from tests.chat.contents import PNG, TEXT
from tests.chat.rows import stored
from tests.chat.stored_files import kept

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def path(owner: User) -> list[Response]:
    """Two turns; the second has an older version with a turn below."""
    first = stored(owner, "first")
    same = {"conversation": first.conversation}
    older = stored(owner, "older", previous=first, **same)
    below = stored(owner, "below", previous=older, **same)
    newer = stored(owner, "newer", previous=first, **same)
    return [first, newer, older, below]


def asked(turns: list[dict[str, str]]) -> list[str]:
    return [turn["input"] for turn in turns]


def test_only_the_newest_versions_are_shown(path: list[Response]) -> None:
    first, newer, older, below = path
    conversation = first.conversation
    assert asked(shared_turns(conversation)) == ["first", "newer"]
    assert asked(shared_turns(conversation, newer.wire_id)) == ["first"]
    for hidden in (older, below):
        with pytest.raises(CommandError, match="invalid_field"):
            shared_turns(conversation, hidden.wire_id)
        with pytest.raises(CommandError, match="response_not_found"):
            shown_response(conversation.pk, hidden.pk)
    assert shown_response(conversation.pk, newer.pk) == newer


def test_another_conversations_response_is_not_shown(owner: User, path: list[Response]) -> None:
    other = stored(owner)
    with pytest.raises(CommandError, match="response_not_found"):
        shown_response(path[0].conversation_id, other.pk)


def test_a_long_conversation_is_shown_in_pages(owner: User) -> None:
    row = stored(owner, "0")
    for number in range(1, PER_PAGE + 5):
        row = stored(owner, str(number), previous=row, conversation=row.conversation)
    latest = shared_turns(row.conversation)
    assert asked(latest) == [str(number) for number in range(5, PER_PAGE + 5)]
    assert asked(shared_turns(row.conversation, latest[0]["id"])) == ["0", "1", "2", "3", "4"]


def test_files_of_shown_questions_alone_are_found(owner: User, path: list[Response], folder: Path) -> None:
    first, _, older, _ = path
    shown, hidden, unused = kept(owner, PNG), kept(owner, TEXT), kept(owner, b"another text")
    with_file(first, shown)
    with_file(older, hidden)
    assert shown_file(first.conversation_id, shown.wire_id) == shown
    for file_id in (hidden.wire_id, unused.wire_id, "file-0", "../etc/passwd"):
        with pytest.raises(CommandError, match="file_not_found"):
            shown_file(first.conversation_id, file_id)
    turn = shared_turns(first.conversation)[0]
    assert turn["attachments"] == [{"id": shown.wire_id, "name": "depths.txt", "image": True}]


def with_file(row: Response, file: File) -> None:
    row.input[0]["content"].append({"type": "input_image", "file_id": file.wire_id})
    row.save()
    FileUse.objects.create(file=file, response=row)
