"""The command `tidy`."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from chat.models import Conversation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _expired() -> None:
    for number in range(3):
        Session.objects.create(session_key=str(number), expire_date=timezone.now() - timedelta(days=1))


def called(*options: str) -> list[str]:
    shown = StringIO()
    call_command("tidy", *options, stdout=shown)
    return shown.getvalue().splitlines()


def test_a_dry_run_counts() -> None:
    assert called("--dry-run") == ["to delete: 3 sessions"]
    assert Session.objects.count() == 3


def test_it_shows_its_progress() -> None:
    assert called() == ["3 sessions", "deleted: 3 sessions"]
    assert called() == ["deleted: nothing"]


def test_an_interrupted_run_shows_the_deleted_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("project.management.commands.tidy.time.sleep", interrupt)
    shown = StringIO()
    with pytest.raises(SystemExit) as raised:
        call_command("tidy", stdout=shown)
    assert raised.value.code == 130
    assert shown.getvalue().splitlines()[-1] == "interrupted; deleted: 3 sessions"


def test_deleted_conversations_need_not_wait_for_their_days(owner: User) -> None:
    Session.objects.all().delete()
    Conversation.objects.create(owner=owner, deleted_at=timezone.now())
    Conversation.objects.create(owner=owner)
    assert called("--dry-run") == ["to delete: nothing"]
    assert called("--dry-run", "--deleted") == ["to delete: 1 conversations"]
    assert called("--deleted")[-1] == "deleted: 1 conversations"
    assert Conversation.objects.count() == 1
