"""Responses that are not stored: each is deleted after its time, with all that belongs to it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.file_models import FileUse
from chat.models import Conversation, Response, Status
from chat.retention.unstored import erase_unstored, old_unstored
from tests.chat.plans import planned_by_sqlite
from tests.chat.rows import stored
from tests.chat.stored_files import kept

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def unstored(owner: User, minutes: float = 6, **fields: Any) -> Response:
    """One that ended so many minutes ago."""
    conversation = fields.pop("conversation", None) or Conversation.objects.create(owner=owner, listed=False)
    ended: dict[str, Any] = {
        "status": Status.COMPLETED,
        "ended_at": NOW - timedelta(minutes=minutes),
        "stored": False,
    }
    return stored(owner, conversation=conversation, listed=False, **ended | fields)


@pytest.mark.parametrize(
    ("fields", "stays"),
    [
        ({}, False),
        ({"minutes": 4}, True),
        ({"stored": True}, True),
        ({"status": Status.IN_PROGRESS, "ended_at": None}, True),
        ({"client_request_id": "key:a"}, True),
        ({"client_request_id": "key:a", "minutes": 61}, False),
    ],
)
def test_a_response_is_deleted_minutes_after_its_end_and_with_a_key_an_hour(
    owner: User, fields: dict[str, Any], stays: bool
) -> None:
    row = unstored(owner, **fields)
    assert erase_unstored(NOW) == ([] if stays else [row.wire_id])
    assert (Response.objects.exists(), Conversation.objects.exists()) == (stays, stays)


def test_a_continued_one_stays_as_long_as_the_one_that_continues_it(owner: User) -> None:
    first = unstored(owner, minutes=90)
    second = unstored(owner, minutes=1, previous=first)
    assert erase_unstored(NOW) == []
    later = NOW + timedelta(minutes=10)
    assert erase_unstored(later) == [second.wire_id]
    assert erase_unstored(later) == [first.wire_id]


def test_its_files_are_unused_then_and_other_conversations_stay(owner: User) -> None:
    FileUse.objects.create(file=kept(owner), response=unstored(owner))
    listed = Conversation.objects.create(owner=owner)
    unstored(owner, conversation=listed)
    assert len(erase_unstored(NOW)) == 2
    assert not FileUse.objects.exists()
    assert list(Conversation.objects.all()) == [listed]


@planned_by_sqlite
def test_stored_responses_are_not_read() -> None:
    assert "INDEX response_unstored" in old_unstored(NOW).explain()
