"""A guest with conversations who signs in is asked, and no other request decides."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from chat.accounts.guests import create_guest
from chat.accounts.sign_in import turns
from chat.accounts.taking import count_conversations
from chat.models import Conversation
from chat.pages import guest_work as module
from chat.pages.guest_work import KEY
from tests.chat.pages.test_views import page_data
from tests.chat.rows import on_rows, stored

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("static_root", "redis_settings"),
]

PASSWORD = "correct horse battery"
QUESTION = "/accounts/visitor/"


@pytest.fixture
def redis_settings(settings: Settings, valkey_url: str) -> None:
    """Notifications on a real Valkey."""
    settings.TAILRACE_LOG_URL = valkey_url
    layer = settings.CHANNEL_LAYERS["default"]
    config = {**layer["CONFIG"], "hosts": [valkey_url]}
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": config}}


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("account", password=PASSWORD)


@pytest.fixture
def guest(client: Client, settings: Settings) -> User:
    """The client's guest, with two conversations."""
    settings.TAILRACE_GUESTS = True
    guest = create_guest()
    stored(guest)
    stored(guest)
    client.force_login(guest)
    return guest


def sign_in(client: Client, name: str = "account", path: str = "/accounts/login/", **fields: str) -> Any:
    return client.post(path, {"username": name, "password": PASSWORD, **fields})


def answer(client: Client, work: str, **fields: str) -> Any:
    return client.post(QUESTION, {"work": work, **fields})


def test_a_guest_who_signs_in_is_asked_and_takes_the_work_along(
    client: Client, guest: User, account: User
) -> None:
    asked = sign_in(client, next="/minimal/")
    assert asked.headers["Location"] == f"{QUESTION}?next=%2Fminimal%2F"
    page = client.get(asked.headers["Location"]).content.decode()
    assert "You have 2 conversations as a visitor. Take them into your account?" in page
    assert "deleted after 30 days" in page
    assert Conversation.objects.filter(owner=guest).count() == 2  # nothing is decided yet
    taken = answer(client, "take", next="/minimal/")
    assert taken.headers["Location"] == "/minimal/"
    assert count_conversations(account.pk) == 2
    assert not User.objects.filter(pk=guest.pk).exists()
    data = page_data(client.get("/"))
    assert data["former_guest"] == {"id": guest.pk, "fate": "taken"}
    assert len(data["conversations"]["conversations"]) == 2


def test_what_is_left_stays_the_guests(client: Client, guest: User, account: User) -> None:
    sign_in(client)
    assert answer(client, "leave").headers["Location"] == "/"
    assert (count_conversations(account.pk), count_conversations(guest.pk)) == (0, 2)
    assert page_data(client.get("/"))["former_guest"] == {"id": guest.pk, "fate": "left"}
    answer(client, "take")  # decided
    assert count_conversations(guest.pk) == 2


def test_the_guests_session_ends_with_the_sign_in(client: Client, guest: User, account: User) -> None:
    key = client.session.session_key
    sign_in(client)
    assert not Session.objects.filter(session_key=key).exists()


def test_the_question_stands_until_it_is_answered(client: Client, guest: User, account: User) -> None:
    sign_in(client)
    page = client.get("/")
    assert page_data(page)["former_guest"] == {"id": guest.pk, "fate": None}
    assert QUESTION in page.content.decode()
    answer(client, "perhaps")
    assert client.get(QUESTION).status_code == 200
    answer(client, "take")
    assert QUESTION not in client.get("/").content.decode()
    assert client.get(QUESTION).headers["Location"] == "/"


def test_a_double_click_takes_it_once(client: Client, guest: User, account: User) -> None:
    sign_in(client)
    before = dict(client.session.items())
    answer(client, "take")
    session = client.session  # as the second request has read it before the first saved it
    session.update(before)
    session.save()
    assert answer(client, "take").status_code == 302
    assert page_data(client.get("/"))["former_guest"]["fate"] == "taken"
    assert count_conversations(account.pk) == 2


@pytest.mark.parametrize("request_of", ["get", "leave"])
def test_a_request_that_has_read_the_session_too_early_leaves_nothing(
    client: Client, guest: User, account: User, request_of: str
) -> None:
    sign_in(client)
    before = dict(client.session.items())
    answer(client, "take")
    session = client.session  # as this request has read it before the other saved it
    session.update(before)
    session.save()
    reply = client.get(QUESTION) if request_of == "get" else answer(client, "leave")
    assert reply.headers["Location"] == "/"
    assert client.session[KEY] == {"id": guest.pk, "fate": None}  # not written
    assert page_data(client.get("/"))["former_guest"]["fate"] == "taken"


def test_a_leave_that_is_saved_after_the_take_is_none(client: Client, guest: User, account: User) -> None:
    sign_in(client)
    answer(client, "take")
    session = client.session
    session[KEY] = {"id": guest.pk, "fate": "left"}
    session.save()
    assert page_data(client.get("/"))["former_guest"]["fate"] == "taken"


def test_what_was_taken_is_announced_after_the_session_is_saved(
    client: Client, guest: User, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(account)
    found = []

    async def announced(conversation_id: Any) -> None:
        sessions: list[Session] = await on_rows(list, Session.objects.all())
        found.append((conversation_id, [each.get_decoded()[KEY]["fate"] for each in sessions]))

    monkeypatch.setattr(module, "announce_conversation", announced)
    theirs = set(Conversation.objects.filter(owner=guest).values_list("pk", flat=True))
    sign_in(client)
    answer(client, "take")
    assert {pk for pk, _ in found} == theirs
    assert [fates for _, fates in found] == [["taken"], ["taken"]]


def test_slow_announcements_hold_up_nobody(
    client: Client, guest: User, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "ANNOUNCE_SECS", 0.05)
    monkeypatch.setattr(module, "announce_conversation", stuck)
    sign_in(client)
    assert answer(client, "take").status_code == 302


@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_taking_needs_no_turn_of_the_sign_in(
    client: Client, guest: User, account: User, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Files alone are taken within the request of the sign-in."""
    Conversation.objects.all().delete()
    User.objects.filter(pk=account.pk).update(is_staff=True)
    free = []

    def taken(*_: Any) -> bool:
        free.append(turns.take("192.0.2.1"))
        turns.end("192.0.2.1")
        return False

    monkeypatch.setattr(module, "take", taken)
    sign_in(client, path=path)
    assert free == [True]


def test_a_guest_without_conversations_is_not_asked(client: Client, guest: User, account: User) -> None:
    Conversation.objects.all().delete()
    assert sign_in(client).headers["Location"] == "/"
    assert page_data(client.get("/"))["former_guest"]["fate"] == "taken"
    assert not User.objects.filter(pk=guest.pk).exists()


def test_a_wrong_password_asks_nothing_and_ends_nothing(client: Client, guest: User, account: User) -> None:
    reply = client.post("/accounts/login/", {"username": "account", "password": "wrong"})
    assert "No account has this username and password." in reply.content.decode()
    assert client.session["_auth_user_id"] == str(guest.pk)
    assert client.get(QUESTION).headers["Location"] == "/"


def test_no_request_names_the_guest(client: Client, guest: User, account: User) -> None:
    """Another browser cannot take the guest's work, whatever it sends."""
    other = Client()
    sign_in(other)
    other.post(QUESTION, {"work": "take", "id": guest.pk, "guest": guest.pk})
    assert count_conversations(guest.pk) == 2


def test_the_answer_needs_the_token_of_our_page(guest: User, account: User, client: Client) -> None:
    sign_in(client)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert answer(strict, "take").status_code == 403
    assert count_conversations(guest.pk) == 2


def test_the_question_ends_with_the_session(client: Client, guest: User, account: User) -> None:
    sign_in(client)
    client.post("/accounts/logout/")
    sign_in(client)
    assert client.get(QUESTION).headers["Location"] == "/"
    assert count_conversations(guest.pk) == 2


def test_the_question_is_not_inherited_by_another_account(client: Client, guest: User, account: User) -> None:
    User.objects.create_user("another", password=PASSWORD)
    sign_in(client)
    sign_in(client, "another")
    answer(client, "take")
    assert count_conversations(guest.pk) == 2


def test_a_guest_that_was_deleted_meanwhile_is_not_asked_about(
    client: Client, guest: User, account: User
) -> None:
    sign_in(client)
    guest.delete()
    assert client.get(QUESTION).status_code == 302


def test_the_sign_in_of_the_admin_asks_too(client: Client, guest: User) -> None:
    boss = User.objects.create_user("boss", password=PASSWORD, is_staff=True)
    reply = sign_in(client, "boss", "/admin/login/?next=/admin/", next="/admin/")
    assert reply.headers["Location"] == f"{QUESTION}?next=%2Fadmin%2F"
    assert answer(client, "take", next="/admin/").headers["Location"] == "/admin/"
    assert count_conversations(boss.pk) == 2


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_next_page_is_of_this_site(client: Client, guest: User, account: User, page: str) -> None:
    sign_in(client)
    assert answer(client, "leave", next=page).headers["Location"] == "/"


def test_a_user_who_was_no_guest_is_not_asked(client: Client, account: User) -> None:
    assert sign_in(client).headers["Location"] == "/"
    assert client.get(QUESTION).headers["Location"] == "/"
    assert page_data(client.get("/"))["former_guest"] is None
