"""Pages of a conversation's turns."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.conversations import tree
from chat.conversations.tree import PER_PAGE
from chat.conversations.turns import turns
from chat.ids import new_id
from chat.models import Conversation, Response, Status
from chat.protocol.errors import CommandError
from tests.chat.contents import PDF, PNG
from tests.chat.rows import stored
from tests.chat.stored_files import kept
from tests.harness.waiting import patience

COUNT = 120


@pytest.fixture
def long(owner: User) -> Conversation:
    conversation = Conversation.objects.create(owner=owner)
    previous = None
    for number in range(COUNT):
        previous = stored(owner, f"question {number}", conversation=conversation, previous=previous)
    return conversation


def numbers(page: list[dict[str, object]]) -> list[int]:
    return [int(str(row["input"]).split()[-1]) for row in page]


def test_a_conversation_is_read_from_its_end(long: Conversation) -> None:
    page = turns(long)
    assert numbers(page) == list(range(COUNT - PER_PAGE, COUNT))
    earlier = turns(long, before=page[0]["id"])
    assert numbers(earlier) == list(range(COUNT - 2 * PER_PAGE, COUNT - PER_PAGE))
    assert numbers(turns(long, before=earlier[0]["id"])) == list(range(COUNT - 2 * PER_PAGE))


def test_the_turns_below_one_are_read_downwards(long: Conversation) -> None:
    first = long.responses.order_by("id")[0]
    page = turns(long, after=first.wire_id)
    assert numbers(page) == list(range(1, PER_PAGE + 1))
    assert [row["continues"] for row in page] == [False] * (PER_PAGE - 1) + [True]


def test_texts_are_read_of_one_page(long: Conversation) -> None:
    with CaptureQueriesContext(connection) as asked:
        turns(long)
    ids, sizes, texts = (query["sql"] for query in asked.captured_queries)
    assert "input" not in ids
    assert not {'"output"', '"asked"', '"reasoning"'} & set(re.findall(r'"\w+"', sizes + texts))
    assert texts.count("'") // 2 <= PER_PAGE + 1  # each id is quoted


def all_by_paging(conversation: Conversation) -> tuple[list[int], list[int]]:
    """The numbers of all turns, as a reader who scrolls up gets them, and the turns of each page."""
    page = turns(conversation)
    found, pages = numbers(page), [len(page)]
    while page[0]["previous_response_id"]:
        page = turns(conversation, before=page[0]["id"])
        found, pages = numbers(page) + found, [*pages, len(page)]
    return found, pages


def test_pages_of_long_questions_are_bounded_in_bytes(owner: User) -> None:
    conversation, previous = Conversation.objects.create(owner=owner), None
    for number in range(12):
        previous = stored(owner, "é" * 400_000 + f" {number}", conversation=conversation, previous=previous)
    found, pages = all_by_paging(conversation)
    assert found == list(range(12))
    assert max(pages) < 12
    assert len(json.dumps(turns(conversation), ensure_ascii=False).encode()) < tree.PAGE_BYTES


def test_a_turn_that_is_larger_than_a_page_is_one(
    long: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "PAGE_BYTES", 10)
    assert all_by_paging(long) == (list(range(COUNT)), [1] * COUNT)
    first = long.responses.order_by("id")[0]
    (below,) = turns(long, after=first.wire_id)
    assert (numbers([below]), below["continues"]) == ([1], True)


def test_large_versions_are_there_and_what_follows_them_is_fetched(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stored(owner, "0")
    shared = {"conversation": first.conversation}
    other = stored(owner, "1", previous=first, **shared)
    below = stored(owner, "2", previous=other, **shared)
    stored(owner, "3", previous=first, **shared)
    monkeypatch.setattr(tree, "PAGE_BYTES", 10)
    page = turns(first.conversation)
    assert [(*numbers([row]), row["continues"]) for row in page] == [(1, True), (3, False)]
    assert numbers(turns(first.conversation, after=other.wire_id)) == [2]
    assert numbers(turns(first.conversation, before=below.wire_id)) == [1, 3]


@pytest.mark.usefixtures("folder")
def test_questions_have_their_files_by_one_query(owner: User, django_assert_num_queries: Any) -> None:
    picture, paper = kept(owner, PNG, "depths.png"), kept(owner, PDF, "paper.pdf")
    parts = [
        {"type": "input_image", "file_id": picture.wire_id},
        {"type": "input_file", "file_id": paper.wire_id, "filename": "another.pdf"},
        {"type": "input_image", "file_id": "file-" + "0" * 32},  # deleted
        {"type": "input_image", "image_url": "https://example.org/a.png"},
    ]
    asked = {"type": "message", "role": "user", "content": parts}
    conversation = stored(owner, "", input=[asked]).conversation
    stored(owner, "", input=[asked], conversation=conversation)
    with django_assert_num_queries(4):
        found = [row["attachments"] for row in turns(conversation)]
    expected = [
        {"id": picture.wire_id, "name": "depths.png", "image": True, "text": False},
        {"id": paper.wire_id, "name": "paper.pdf", "image": False, "text": False},
    ]
    assert found == [expected, expected]


def test_a_turn_has_its_settings(owner: User) -> None:
    asked: dict[str, Any] = {"instructions": "Be brief.", "temperature": 0.5, "max_output_tokens": 100}
    row = stored(owner, **asked, request={"reasoning": {"effort": "low", "summary": "auto"}, "seed": 1})
    (found,) = turns(row.conversation)
    assert found["settings"] == asked | {"effort": "low"}


@pytest.mark.parametrize("place", ["before", "after"])
def test_an_unknown_place_is_refused(long: Conversation, owner: User, place: str) -> None:
    elsewhere = stored(owner)
    for unknown in ("no-id", str(new_id()), elsewhere.wire_id):
        with pytest.raises(CommandError) as raised:
            turns(long, **{place: unknown})
        assert (raised.value.code, raised.value.param) == ("invalid_field", place)
    assert Response.objects.count() == COUNT + 1


def test_a_running_turn_has_its_age_and_an_ended_one_none(owner: User) -> None:
    asked = timezone.now() - timedelta(seconds=7)
    running = stored(owner, status=Status.IN_PROGRESS, queued_at=asked)
    ended = stored(owner, status=Status.COMPLETED, queued_at=asked, conversation=running.conversation)
    ages = {row["id"]: row["age"] for row in turns(running.conversation)}
    assert 7 <= ages[running.wire_id] < 7 + 10 * patience()
    assert ages[ended.wire_id] is None
