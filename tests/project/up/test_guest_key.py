"""The key of `up`'s guest: kept in a private file, and made again when it has ended."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.accounts.api_keys import create_key, find_key
from chat.accounts.guests import create_guest, is_guest
from chat.key_models import ApiKey
from project.up import guest_key
from project.up.guest_key import FILE_NAME, keep, read

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_up(settings: Settings) -> None:
    settings.TAILRACE_GUEST_KEYS = True


def test_a_start_makes_a_key_and_the_next_one_has_it(tmp_path: Path) -> None:
    assert read(tmp_path) == ""
    keep(tmp_path)
    key = find_key(read(tmp_path))
    assert key is not None
    assert is_guest(key.owner)
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    User.objects.update(last_login=None)
    keep(tmp_path)
    assert find_key(read(tmp_path)) == key
    assert (ApiKey.objects.count(), User.objects.count()) == (1, 1)
    assert User.objects.get().last_login is not None


def test_after_a_revocation_the_same_guest_has_another_key(tmp_path: Path) -> None:
    keep(tmp_path)
    before = read(tmp_path)
    ApiKey.objects.all().revoke()
    keep(tmp_path)
    assert read(tmp_path) != before
    assert find_key(read(tmp_path)) is not None
    assert User.objects.count() == 1


@pytest.mark.parametrize("end", ["deleted", "inactive"])
def test_without_its_guest_there_is_another(tmp_path: Path, end: str) -> None:
    keep(tmp_path)
    if end == "deleted":
        User.objects.all().delete()
    else:
        User.objects.update(is_active=False)
    keep(tmp_path)
    assert find_key(read(tmp_path)) is not None


def test_a_file_that_others_can_read_or_of_another_database_is_replaced(tmp_path: Path) -> None:
    theirs, text = create_key(create_guest(), "other")
    (tmp_path / FILE_NAME).write_text(text)
    (tmp_path / FILE_NAME).chmod(0o644)
    assert read(tmp_path) == ""
    keep(tmp_path)
    key = find_key(read(tmp_path))
    assert key is not None
    assert key != theirs
    ApiKey.objects.all().delete()
    keep(tmp_path)
    assert find_key(read(tmp_path)) is not None


def test_only_the_file_has_the_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep(tmp_path)
    text = read(tmp_path)
    assert text not in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert text not in repr(vars(ApiKey.objects.get()))
    assert ApiKey.objects.get().name == guest_key.NAME
