"""A conversation's items: the path of newest versions, a page at a time."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.conversations import items as items_module
from chat.conversations.items import find_item, item_page, response_with
from chat.models import Conversation, Response, Status
from chat.protocol.errors import CommandError
from chat.protocol.input_items import with_ids
from tests.chat.rows import question, stored

pytestmark = pytest.mark.django_db


def turn(conversation: Conversation, previous: Response | None = None, output: str = "Two.") -> Response:
    """A turn with two items."""
    status = Status.COMPLETED if output else Status.QUEUED
    row = stored(
        conversation.owner, conversation=conversation, previous=previous, output=output, status=status
    )
    row.input = with_ids([question("How deep?")], row.pk)
    row.save()
    return row


@pytest.fixture
def conversation(owner: User) -> Conversation:
    """Five turns, of which the second has another version, and the last one runs."""
    conversation = Conversation.objects.create(owner=owner)
    first = turn(conversation)
    turn(conversation, first, "Another version.")
    second = turn(conversation, first)
    third = turn(conversation, second)
    turn(conversation, turn(conversation, third), output="")
    return conversation


def ids(found: list[Any]) -> list[str]:
    return [item["id"] for item in found]


def walk(conversation: Conversation, limit: int, *, newest_first: bool) -> list[str]:
    """All pages, one after the other."""
    walked: list[str] = []
    more = True
    while more:
        after = walked[-1] if walked else ""
        found, more = item_page(conversation, after, limit, newest_first=newest_first)
        assert len(found) == limit if more else found
        walked += ids(found)
    return walked


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 100])
def test_pages_have_each_item_of_the_newest_path_once(
    conversation: Conversation, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items_module, "PAGE_ROWS", 2)
    rows = list(conversation.responses.exclude(output="Another version.").order_by("id"))
    expected = ids([item for row in rows for item in [*row.input, *row.items]])
    assert len(expected) == 9
    assert walk(conversation, limit, newest_first=False) == expected
    assert walk(conversation, limit, newest_first=True) == expected[::-1]


def test_a_conversation_without_turns_has_no_items(owner: User) -> None:
    empty = Conversation.objects.create(owner=owner)
    assert item_page(empty, "", 20, newest_first=True) == ([], False)


def wrong_ids(conversation: Conversation) -> list[str]:
    hidden = conversation.responses.get(output="Another version.")
    other = turn(Conversation.objects.create(owner=conversation.owner))
    first = conversation.responses.order_by("id")[0]
    absent = first.input[0]["id"].replace("_i0", "_i7")
    return [hidden.items[0]["id"], other.items[0]["id"], absent, "msg_1", "nonsense"]


def test_an_item_that_is_not_on_the_path_is_none(conversation: Conversation) -> None:
    for wrong in wrong_ids(conversation):
        with pytest.raises(CommandError) as refused:
            item_page(conversation, wrong, 20, newest_first=False)
        assert (refused.value.code, refused.value.param) == ("invalid_field", "after")
        with pytest.raises(CommandError) as refused:
            response_with(conversation, wrong)
        assert (refused.value.code, refused.value.param) == ("item_not_found", "item_id")


def test_an_item_is_found_by_its_id(conversation: Conversation) -> None:
    row = conversation.responses.order_by("id")[2]
    for item in [*row.input, *row.items]:
        assert find_item(response_with(conversation, item["id"]), item["id"]) == item


def test_few_rows_are_read(
    conversation: Conversation, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items_module, "PAGE_ROWS", 2)
    last = conversation.responses.order_by("id")[4]
    for after in ("", last.items[0]["id"]):
        with django_assert_num_queries(2):  # the ids, and a page of rows
            item_page(conversation, after, 1, newest_first=False)
