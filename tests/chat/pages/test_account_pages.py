"""A user changes the password by the old one; guests have none."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.accounts.guests import create_guest
from chat.transport import counters
from chat.transport.counters import LocalCounters

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root", "no_redis")]

OLD, NEW, PAGE = "correct horse battery", "another long sentence", "/accounts/password/"


@pytest.fixture(autouse=True)
def _nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without attempts of other tests."""
    monkeypatch.setattr(counters, "local", LocalCounters())


@pytest.fixture
def account(client: Client) -> User:
    user = User.objects.create_user("account", password=OLD)
    client.force_login(user)
    return user


def change(client: Client, old: str = OLD, new: str = NEW) -> Any:
    return client.post(PAGE, {"old_password": old, "new_password1": new, "new_password2": new})


def test_the_password_is_changed_and_other_sessions_end(client: Client, account: User) -> None:
    other = Client()
    other.force_login(account)
    reply = change(client)
    assert reply.headers["Location"] == "/accounts/password/changed/"
    assert "Your password is changed." in client.get(reply.headers["Location"]).content.decode()
    account.refresh_from_db()
    assert account.check_password(NEW)
    assert other.get(PAGE).status_code == 302
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize(("old", "new"), [("wrong", NEW), (OLD, "short")])
def test_a_wrong_or_weak_password_changes_nothing(client: Client, account: User, old: str, new: str) -> None:
    assert 'role="alert"' in change(client, old, new).content.decode()
    account.refresh_from_db()
    assert account.check_password(OLD)


def test_attempts_are_limited(client: Client, account: User) -> None:
    assert [change(client, "wrong").status_code for _ in range(6)] == [200] * 5 + [429]


def test_no_field_of_the_form_chooses_the_account_that_is_counted(client: Client, account: User) -> None:
    fields = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
    replies = [client.post(PAGE, fields | {"username": f"other{number}"}) for number in range(6)]
    assert [reply.status_code for reply in replies] == [200] * 5 + [429]


@pytest.mark.parametrize("page", [PAGE, "/accounts/password/changed/"])
def test_guests_and_visitors_sign_in_first(client: Client, page: str) -> None:
    assert client.get(page).headers["Location"].startswith("/accounts/login/")
    client.force_login(create_guest())
    assert client.get(page).headers["Location"].startswith("/accounts/login/")


def test_the_page_of_an_account_leads_there(client: Client, account: User) -> None:
    assert PAGE in client.get("/").content.decode()
