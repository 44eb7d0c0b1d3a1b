"""The command `key`: what it prints can be piped, and its errors name a remedy."""

from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from chat.accounts import api_keys
from chat.accounts.api_keys import create_key, find_key
from chat.accounts.guests import create_guest
from chat.key_models import ApiKey

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def notified(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The owners whose connections check their keys."""
    found: list[int] = []

    async def notify(owner_id: int) -> None:
        found.append(owner_id)

    monkeypatch.setattr(api_keys, "notify_owner_to_recheck", notify)
    return found


def called(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("key", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_new_key_stands_alone_on_the_output(owner: User) -> None:
    out, err = called("create", "--user", "owner", "--name", " my  laptop ")
    (text,) = out.splitlines()
    key = find_key(text)
    assert key is not None
    assert (key.owner, key.name, key.expires_at) == (owner, "my laptop", None)
    assert "until it is revoked" in err
    assert text not in err


@pytest.mark.parametrize(("span", "hours"), [("90d", 2160), ("12h", 12)])
def test_a_key_expires_after_its_span(owner: User, span: str, hours: int) -> None:
    called("create", "--user", "owner", "--name", "laptop", "--expires", span)
    key = ApiKey.objects.get()
    assert key.expires_at is not None
    assert round((key.expires_at - key.created_at).total_seconds() / 3600) == hours


def test_the_list_has_the_keys_that_give_access(owner: User) -> None:
    mine, text = create_key(owner, "laptop")
    theirs, _ = create_key(User.objects.create_user("other"), "phone")
    ended, _ = create_key(owner, "old")
    called("revoke", str(ended.pk))
    head, *lines = called("list")[0].splitlines()
    assert head.split("\t")[0] == "ID"
    assert [line.split("\t")[0] for line in lines] == [str(mine.pk), str(theirs.pk)]
    (line,) = called("list", "--user", "owner")[0].splitlines()[1:]
    assert line.split("\t")[-2:] == ["owner", "laptop"]
    assert mine.hint in line
    assert text not in line
    assert mine.digest not in line


def test_revoked_keys_end_and_their_owners_are_notified(
    owner: User, notified: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    made = [create_key(owner, name) for name in "ab"]
    ids = [str(key.pk) for key, _ in made]
    with django_capture_on_commit_callbacks(execute=True):
        assert "is revoked" in called("revoke", *ids)[1]
    assert [find_key(text) for _, text in made] == [None, None]
    assert notified == [owner.pk, owner.pk]
    assert "had been revoked" in called("revoke", ids[0])[1]


def test_a_wrong_id_revokes_nothing(owner: User) -> None:
    key, text = create_key(owner, "laptop")
    with pytest.raises(CommandError, match=r"key list.*Nothing is revoked"):
        called("revoke", str(key.pk), str(UUID(int=1)))
    assert find_key(text) == key


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["create", "--user", "nobody", "--name", "x"], "createsuperuser"),
        (["create", "--user", "sleeper", "--name", "x"], "activate"),
        (["create", "--user", "owner", "--name", "x", "--expires", "soon"], "90d or 12h"),
        (["create", "--user", "owner", "--name", " "], "1 to 80 printable characters"),
        (["create", "--user", "owner", "--name", "x" * 81], "1 to 80 printable characters"),
        (["revoke", "x"], "manage.py key list"),
        (["create", "--user", "owner"], "--name"),
    ],
)
def test_an_error_names_its_remedy(owner: User, arguments: list[str], remedy: str) -> None:
    User.objects.create_user("sleeper", is_active=False)
    with pytest.raises(CommandError, match=remedy):
        called(*arguments)
    assert not ApiKey.objects.exists()


def test_a_visitor_and_a_user_with_many_keys_get_none(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "MAX_KEYS", 0)
    for user, remedy in {create_guest().username: "without an account", "owner": "Revoke one"}.items():
        with pytest.raises(CommandError, match=remedy):
            called("create", "--user", user, "--name", "x")
