"""A guest is made with a visitor's first message: one per browser, never for a user with an account."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat.accounts import guests
from chat.accounts.guests import SAME_GUEST_SECS
from tests.harness.waiting import deadline

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]

TABS = 4


@pytest.fixture
def visitor(settings: Settings) -> Client:
    """A browser with the page, which has given it a CSRF token."""
    settings.TAILRACE_GUESTS = True
    browser = Client(enforce_csrf_checks=True)
    browser.get("/")
    return browser


def token_of(browser: Client) -> str:
    return browser.cookies[settings.CSRF_COOKIE_NAME].value


def ask(browser: Client) -> Any:
    return browser.post("/guest/", headers={"X-CSRFToken": token_of(browser)})


def tab_of(browser: Client) -> Client:
    """Another tab, whose request is on its way at the same time: it has the cookies from before."""
    tab = Client(enforce_csrf_checks=True)
    tab.cookies.load({name: cookie.value for name, cookie in browser.cookies.items()})
    return tab


def test_a_visitor_becomes_a_guest_with_a_session_once(visitor: Client) -> None:
    reply = ask(visitor)
    guest = User.objects.get()
    assert reply.json() == {"owner": str(guest.pk), "socket_path": f"/ws/responses/?owner={guest.pk}"}
    assert guest.username.startswith("guest-")
    assert not guest.has_usable_password()
    assert visitor.session["_auth_user_id"] == str(guest.pk)
    assert ask(visitor).json() == reply.json()
    assert (User.objects.count(), Session.objects.count()) == (1, 1)


def test_a_request_without_the_token_makes_no_guest(visitor: Client) -> None:
    assert visitor.post("/guest/").status_code == 403
    assert Client(enforce_csrf_checks=True).post("/guest/").status_code == 403
    assert visitor.get("/guest/").status_code == 405
    assert (User.objects.count(), Session.objects.count()) == (0, 0)


def test_without_guests_a_visitor_is_refused(visitor: Client, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = False
    reply = ask(visitor)
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "unauthenticated")
    assert User.objects.count() == 0


def test_a_user_with_an_account_is_no_guest(visitor: Client) -> None:
    visitor.force_login(User.objects.create_user("owner", password="one"))
    reply = ask(visitor)
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "unauthenticated")
    assert User.objects.count() == 1


def test_an_outage_is_busy(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(guests, "create_guest", unavailable)
    assert ask(visitor).status_code == 503


@pytest.fixture
def tabs() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(TABS) as pool:
        yield pool


@pytest.mark.django_db(transaction=True)
def test_tabs_that_ask_at_once_get_one_guest(visitor: Client, tabs: ThreadPoolExecutor) -> None:
    ready = threading.Barrier(TABS)

    def asked(tab: Client) -> Any:
        try:
            ready.wait(deadline())
            return ask(tab).json()["owner"]
        finally:
            connection.close()

    owners = set(tabs.map(asked, [tab_of(visitor) for _ in range(TABS)]))
    assert owners == {str(User.objects.get().pk)}
    assert Session.objects.count() == TABS


def test_a_later_request_with_the_same_token_gets_another_guest(visitor: Client) -> None:
    late = tab_of(visitor)
    first = ask(visitor).json()["owner"]
    User.objects.update(date_joined=timezone.now() - timedelta(seconds=SAME_GUEST_SECS + 1))
    assert ask(late).json()["owner"] != first


def test_a_browser_without_the_cookie_gets_a_guest_of_its_own(client: Client, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    owners = {Client().post("/guest/").json()["owner"] for _ in range(2)}
    assert len(owners) == 2
