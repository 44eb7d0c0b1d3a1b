"""The list of conversations: whose they are, and in which order."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.conversations import listing
from chat.conversations.listing import change_event, list_page
from chat.conversations.turns import turn
from chat.models import Conversation, Status
from chat.protocol.errors import CommandError
from chat.responses.representation import response_object
from tests.chat.plans import planned_by_sqlite
from tests.chat.rows import stored

pytestmark = pytest.mark.django_db

NOBODY = "0123456789ab7def8123456789abcdef"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def conversation(owner: User, title: str = "Depths", minutes: int = 0, **fields: Any) -> Conversation:
    """One whose last activity was so many minutes after NOW."""
    moment = NOW + timedelta(minutes=minutes)
    return Conversation.objects.create(owner=owner, title=title, updated_at=moment, **fields)


def titles(owner: User) -> list[str]:
    return [line["title"] for line in list_page(owner.pk)["conversations"]]


def test_a_line_has_what_the_list_shows(owner: User) -> None:
    row = conversation(owner, unread=True)
    assert list_page(owner.pk) == {
        "conversations": [
            {
                "id": row.wire_id,
                "title": "Depths",
                "updated_at": NOW.timestamp(),
                "running": False,
                "unread": True,
                "pinned_at": None,
            }
        ],
        "more": None,
    }


def test_the_latest_activity_comes_first_whatever_the_order_of_creation(owner: User) -> None:
    for title, minutes in (("middle", 1), ("last", 0), ("first", 2)):
        conversation(owner, title, minutes)
    assert titles(owner) == ["first", "middle", "last"]


def test_deleted_and_other_owners_conversations_are_not_listed(owner: User, stranger: User) -> None:
    conversation(stranger, "theirs")
    conversation(owner, "deleted", deleted_at=NOW)
    assert titles(owner) == []


@pytest.mark.parametrize("status", Status)
def test_a_conversation_runs_while_one_of_its_responses_does(owner: User, status: Status) -> None:
    row = conversation(owner)
    stored(owner, conversation=row, status=Status.COMPLETED)
    stored(owner, conversation=row, status=status)
    (line,) = list_page(owner.pk)["conversations"]
    assert line["running"] == (status in ("queued", "in_progress"))


def test_pages_follow_each_other_without_a_hole_and_nothing_twice(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PER_PAGE", 2)
    for number in range(5):  # the same moment for pairs: the id decides
        conversation(owner, str(number), minutes=number // 2)
    seen, more = [], ""
    while more is not None:
        page = list_page(owner.pk, before=more)
        assert len(page["conversations"]) <= 2
        seen += [line["id"] for line in page["conversations"]]
        more = page["more"]
    assert seen == [row.wire_id for row in Conversation.objects.order_by("-updated_at", "-id")]


def test_a_full_last_page_promises_no_more(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PER_PAGE", 1)
    conversation(owner)
    assert list_page(owner.pk)["more"] is None


@pytest.mark.parametrize(("search", "queries"), [("", 2), ("depth lake", 4)])
def test_a_page_takes_some_queries_however_many_there_are(
    owner: User, django_assert_num_queries: Any, search: str, queries: int
) -> None:
    for _ in range(3):
        row = conversation(owner)
        stored(owner, "depth of the lake", conversation=row)
    with django_assert_num_queries(queries):
        assert len(list_page(owner.pk, search)["conversations"]) == 3


def test_pinned_ones_come_with_the_first_page_alone(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PER_PAGE", 2)
    for number in range(5):
        conversation(owner, str(number), number, pinned_at=NOW if number in (0, 3) else None)
    conversation(owner, "last pin", pinned_at=NOW + timedelta(days=1))
    conversation(owner, "deleted", pinned_at=NOW, deleted_at=NOW)
    page = list_page(owner.pk)
    assert [line["title"] for line in page["conversations"]] == ["last pin", "3", "0", "4", "2"]
    rest = list_page(owner.pk, before=page["more"])
    assert ([line["title"] for line in rest["conversations"]], rest["more"]) == (["1"], None)


def test_a_search_finds_pinned_ones_too(owner: User) -> None:
    conversation(owner, "Depths", pinned_at=NOW)
    conversation(owner, "Heights", pinned_at=NOW)
    assert [line["title"] for line in list_page(owner.pk, "depth")["conversations"]] == ["Depths"]


@planned_by_sqlite
def test_the_list_is_read_in_the_order_of_an_index(owner: User) -> None:
    own = Conversation.objects.visible_to(owner.pk).with_running()
    assert "conversation_pinned" in own.pinned().explain()
    plan = own.filter(pinned_at=None).newest_first()[:50].explain()
    assert "conversation_by_activity" in plan
    assert "response_by_conversation" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    "before", ["x", "1", "1.x", ".", f"{'9' * 30}.{NOBODY}", f"x.{NOBODY}", f"{'9' * 5000}."]
)
def test_an_invalid_cursor_is_refused(owner: User, before: str) -> None:
    with pytest.raises(CommandError) as refused:
        list_page(owner.pk, before=before)
    assert (refused.value.code, refused.value.param) == ("invalid_field", "before")


def test_a_turn_has_its_times_and_its_usage(owner: User) -> None:
    times: Any = {"started_at": NOW, "first_token_at": NOW, "ended_at": NOW}
    line = turn(stored(owner, usage={"output_tokens": 3}, **times))
    assert line["usage"] == {"output_tokens": 3}
    assert {line[name] for name in times} == {NOW.timestamp()}
    assert {turn(stored(owner))[name] for name in times} == {None}


def test_a_change_event_has_the_conversation_as_it_is_and_the_response(owner: User) -> None:
    root = stored(owner)
    row = stored(owner, conversation=root.conversation, previous=root)
    listed = Conversation.objects.with_running().get(pk=row.conversation_id)
    frame = change_event(listed, response_object(row), "c")
    line = list_page(owner.pk)["conversations"][0]
    assert json.loads(frame) == {
        "type": "tailrace:conversation",
        "conversation": line | {"deleted": False},
        "response": {
            "id": row.wire_id,
            "previous_response_id": root.wire_id,
            "status": "queued",
            "client_request_id": "c",
        },
    }


def test_a_change_of_the_conversation_alone_names_no_response(owner: User) -> None:
    deleted = conversation(owner, deleted_at=NOW)
    frame = json.loads(change_event(Conversation.objects.with_running().get(pk=deleted.pk)))
    assert (frame["response"], frame["conversation"]["deleted"]) == (None, True)


def test_a_programs_conversation_is_neither_listed_nor_found(owner: User) -> None:
    row = conversation(owner, "whale", listed=False)
    stored(owner, "whale", conversation=row, listed=False)
    assert (titles(owner), list_page(owner.pk, "whale")["conversations"]) == ([], [])
