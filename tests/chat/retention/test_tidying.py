"""Old rows: some stay, some are deleted, in batches, also after an interruption."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from chat.accounts.api_keys import create_key, find_key
from chat.accounts.guests import create_guest
from chat.key_models import ApiKey
from chat.models import Conversation, Response, Status
from chat.retention import tidying
from chat.retention.tidying import old, pause_secs, tidy
from chat.share_models import Share
from tests.chat.rows import stored
from tests.chat.sharing_links import shared

pytestmark = pytest.mark.django_db

NOW = timezone.now()
RECENTLY, LONG_AGO = NOW - timedelta(days=29), NOW - timedelta(days=31)


@pytest.fixture(autouse=True)
def _days(settings: Settings) -> None:
    settings.TAILRACE_KEEP_DAYS = 30


def conversation(owner: User, turns: int = 1, status: str = Status.COMPLETED, **fields: Any) -> Conversation:
    """A conversation whose turns follow one another."""
    row = Conversation.objects.create(owner=owner, **({"updated_at": NOW} | fields))
    previous = None
    for _ in range(turns):
        previous = stored(owner, conversation=row, previous=previous, status=status)
    return row


def guest(seen: Any) -> User:
    user = create_guest()
    User.objects.filter(pk=user.pk).update(last_login=seen, date_joined=LONG_AGO)
    return user


def deleted() -> dict[str, int]:
    rows: Counter[str] = Counter()
    for batch in tidy(NOW):
        rows[batch.kind] += batch.rows
    return dict(+rows)


def test_without_old_rows_nothing_is_deleted(owner: User) -> None:
    conversation(owner, 2)
    Session.objects.create(session_key="valid", expire_date=NOW + timedelta(days=1))
    assert (sum(old(NOW).values()), deleted()) == (0, {})
    assert (Response.objects.count(), Session.objects.count()) == (2, 1)


def test_expired_sessions_are_deleted() -> None:
    Session.objects.create(session_key="expired", expire_date=NOW - timedelta(seconds=1))
    Session.objects.create(session_key="valid", expire_date=NOW + timedelta(seconds=1))
    assert (old(NOW)["sessions"], deleted()) == (1, {"sessions": 1})
    assert Session.objects.get().session_key == "valid"


@pytest.mark.parametrize(
    ("fields", "stays"),
    [
        ({}, True),
        ({"deleted_at": RECENTLY}, True),
        ({"deleted_at": LONG_AGO}, False),
        ({"updated_at": RECENTLY}, True),
        ({"updated_at": LONG_AGO}, False),
    ],
)
def test_a_conversation_is_deleted_after_its_days(owner: User, fields: dict[str, Any], stays: bool) -> None:
    conversation(owner, 3, **fields)
    assert old(NOW)["responses"] == (0 if stays else 3)
    assert deleted() == ({} if stays else {"responses": 3, "conversations": 1})
    assert (Conversation.objects.exists(), Response.objects.exists()) == (stays, stays)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS])
def test_a_conversation_with_a_live_response_stays(owner: User, status: str) -> None:
    conversation(owner, updated_at=LONG_AGO, deleted_at=LONG_AGO, status=status)
    conversation(guest(LONG_AGO), updated_at=LONG_AGO, status=status)
    assert (sum(old(NOW).values()), deleted()) == (0, {})


def test_the_link_of_an_old_conversation_is_deleted_with_it(owner: User) -> None:
    rows = [stored(owner, status=Status.COMPLETED) for _ in range(2)]
    kept, gone = [shared(owner, row) for row in rows]
    long_ago = timezone.now() - timedelta(days=400)
    Conversation.objects.filter(pk=gone.conversation_id).update(deleted_at=long_ago)
    assert Counter({batch.kind: batch.rows for batch in tidy(timezone.now())})["conversations"] == 1
    assert list(Share.objects.all()) == [kept]


def test_guests_without_activity_are_deleted_with_all_of_theirs(owner: User) -> None:
    conversation(guest(LONG_AGO), 2, updated_at=LONG_AGO)
    guest(None)
    visiting, writing = guest(RECENTLY), guest(LONG_AGO)
    conversation(writing, updated_at=RECENTLY)
    User.objects.filter(pk=owner.pk).update(date_joined=LONG_AGO)
    named_like_one = User.objects.create_user("guest-speaker", password="a-password", date_joined=LONG_AGO)
    assert old(NOW) == {"sessions": 0, "conversations": 1, "responses": 2, "guests": 2, "files": 0}
    assert deleted() == {"responses": 2, "conversations": 1, "guests": 2}
    assert set(User.objects.all()) == {owner, visiting, writing, named_like_one}


@pytest.mark.parametrize(("used", "stays"), [(RECENTLY, True), (LONG_AGO, False), (None, False)])
def test_a_guest_whose_api_key_is_used_stays(used: Any, stays: bool, settings: Settings) -> None:
    settings.TAILRACE_GUEST_KEYS = True
    _, text = create_key(guest(LONG_AGO), "laptop")
    ApiKey.objects.update(last_used_at=used)
    assert deleted() == ({} if stays else {"guests": 1})
    assert (find_key(text) is not None) == stays


@pytest.mark.parametrize("days", ["GUEST_DAYS", "DELETED_DAYS", "KEEP_DAYS"])
def test_zero_days_are_for_ever(owner: User, settings: Settings, days: str) -> None:
    for name in ("GUEST_DAYS", "DELETED_DAYS", "KEEP_DAYS"):
        setattr(settings, f"TAILRACE_{name}", 0)
    conversation(guest(LONG_AGO), updated_at=LONG_AGO, deleted_at=LONG_AGO)
    assert (sum(old(NOW).values()), deleted()) == (0, {})
    setattr(settings, f"TAILRACE_{days}", 30)
    assert deleted()["responses"] == 1


@pytest.mark.django_db(transaction=True)  # commits check the references
def test_an_interrupted_run_is_continued(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "ROWS", 4)
    for _ in range(3):
        conversation(owner, 5, updated_at=LONG_AGO)
    kept = conversation(owner, 5)
    run = tidy(NOW)
    first = next(run)
    assert (first.kind, first.rows) == ("responses", 4)
    assert Response.objects.count() == 16
    assert Conversation.objects.count() == 4
    assert deleted() == {"responses": 11, "conversations": 3}
    assert {turn.conversation for turn in Response.objects.all()} == {kept}
    assert Response.objects.filter(previous=None).count() == 1  # the others have their previous one


def test_no_text_is_read_and_no_batch_is_large(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "ROWS", 10)
    conversation(owner, 25, updated_at=LONG_AGO)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        rows = [batch.rows for batch in tidy(NOW) if batch.kind == "responses"]
    assert rows == [10, 10, 5]
    selects = [query["sql"] for query in asked.captured_queries if query["sql"].startswith("SELECT")]
    assert selects
    assert not [sql for sql in selects if '"output"' in sql]


def test_at_most_a_third_of_the_time_is_spent_deleting() -> None:
    assert (pause_secs(0), pause_secs(0.3)) == (0.1, 0.6)
