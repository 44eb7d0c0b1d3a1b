"""A user lists, makes and revokes API keys; a guest may only where guests have keys."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat.accounts import api_keys
from chat.accounts.api_keys import create_key, find_key
from chat.accounts.guests import create_guest
from chat.key_models import ApiKey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]

PATH, PAGE = "/api-keys/", "/accounts/keys/"


@pytest.fixture(autouse=True)
def notified(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []

    async def notify(owner_id: int) -> None:
        found.append(owner_id)

    monkeypatch.setattr(api_keys, "notify_owner_to_recheck", notify)
    return found


@pytest.fixture
def account(client: Client) -> User:
    user = User.objects.create_user("account", password="correct horse battery")
    client.force_login(user)
    return user


def make(client: Client, **fields: Any) -> Any:
    return client.post(PATH, {"name": "laptop", **fields}, "application/json")


def code_of(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


def test_only_the_reply_to_the_making_has_the_text(client: Client, account: User) -> None:
    made = make(client).json()
    key = find_key(made["text"])
    assert key is not None
    assert (key.owner, key.expires_at) == (account, None)
    for body in (client.get(PATH).content.decode(), client.get(PAGE).content.decode()):
        assert "laptop" in body
        assert key.hint in body
        assert not [secret for secret in (made["text"], key.digest) if secret in body]
    assert made["keys"] == [made["key"]]
    assert set(made["key"]) == {"id", "name", "hint", "created_at", "last_used_at", "expires_at"}


def test_a_key_expires_after_its_days(client: Client, account: User) -> None:
    key = make(client, days=30).json()["key"]
    assert round((key["expires_at"] - key["created_at"]) / 86_400) == 30


def test_a_revoked_key_is_no_longer_listed(client: Client, account: User) -> None:
    kept, revoked = make(client, name="kept").json(), make(client).json()
    assert client.get(PATH).json()["keys"] == [revoked["key"], kept["key"]]
    assert client.delete(f"{PATH}{revoked['key']['id']}/").json() == {"keys": [kept["key"]]}
    assert find_key(revoked["text"]) is None
    assert find_key(kept["text"])
    ApiKey.objects.update(expires_at=timezone.now())
    assert client.get(PATH).json() == {"keys": []}


def test_another_users_key_is_unknown(client: Client, account: User, stranger: User) -> None:
    theirs, text = create_key(stranger, "theirs")
    assert client.get(PATH).json() == {"keys": []}
    assert code_of(client.delete(f"{PATH}{theirs.pk}/")) == (404, "key_not_found")
    assert find_key(text) == theirs


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": " "}, "invalid_field"),
        ({"name": "x" * 81}, "invalid_field"),
        ({"name": "a\0b"}, "invalid_field"),
        ({"days": 0}, "invalid_field"),
        ({"days": 1e6}, "invalid_field"),
        ({"days": "30"}, "invalid_field"),
        ({"owner": 1}, "unknown_field"),
    ],
)
def test_a_wrong_field_makes_nothing(client: Client, account: User, fields: Any, code: str) -> None:
    assert code_of(make(client, **fields)) == (400, code)
    assert not ApiKey.objects.exists()


def test_with_many_keys_no_further_one_is_made(
    client: Client, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MAX_KEYS", 1)
    make(client)
    assert code_of(make(client)) == (409, "too_many_keys")


def test_a_change_needs_the_token_of_our_page(account: User) -> None:
    key, _ = create_key(account, "laptop")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(account)
    assert make(strict).status_code == strict.delete(f"{PATH}{key.pk}/").status_code == 403
    assert ApiKey.objects.live().count() == 1


def test_visitors_and_guests_have_no_keys(client: Client, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    assert code_of(make(client)) == (401, "unauthenticated")
    assert client.get(PAGE).headers["Location"].startswith("/accounts/login/")
    assert PAGE not in client.get("/").content.decode()
    client.force_login(create_guest())
    assert code_of(make(client)) == (403, "account_required")
    assert client.get(PAGE).headers["Location"].startswith("/accounts/login/")
    assert PAGE not in client.get("/").content.decode()
    assert not ApiKey.objects.exists()


def test_where_guests_have_keys_a_visitor_becomes_one_with_the_first(
    client: Client, settings: Settings
) -> None:
    settings.TAILRACE_GUESTS = settings.TAILRACE_GUEST_KEYS = True
    assert PAGE in client.get("/").content.decode()
    assert client.get(PAGE).status_code == 200
    assert client.get(PATH).json() == {"keys": []}
    assert not User.objects.exists()
    first, second = make(client).json(), make(client).json()
    assert client.get(PATH).json()["keys"] == [second["key"], first["key"]]
    assert User.objects.count() == 1


def test_the_page_of_an_account_leads_there(client: Client, account: User) -> None:
    assert PAGE in client.get("/").content.decode()
