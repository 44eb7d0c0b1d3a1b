"""A session's time counts from the last visit or command, and is written at most once a day."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from chat.accounts.renewal import is_due, renew, renew_visit
from chat.transport.event_log import Log
from tests.chat.communicator import Socket, connected, cookie_of
from tests.chat.rows import on_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]

AGE, DAY = timedelta(days=14), timedelta(days=1)


@pytest.fixture(autouse=True)
def _two_weeks(settings: Settings) -> None:
    settings.SESSION_COOKIE_AGE = AGE.total_seconds()


@pytest.fixture
def reader(owner: User) -> Client:
    """A browser with a session."""
    client = Client()
    client.force_login(owner)
    return client


def left() -> timedelta:
    """The time that the session has."""
    return Session.objects.get().expire_date - timezone.now()


def age_by(passed: timedelta) -> datetime:
    """Let time pass for the session; returns its expiry."""
    session = Session.objects.get()
    session.expire_date -= passed
    session.save()
    return session.expire_date


@pytest.mark.parametrize(
    ("age", "passed", "due"),
    [
        (AGE, DAY * 0.9, False),
        (AGE, DAY * 1.1, True),
        (timedelta(hours=10), timedelta(minutes=50), False),
        (timedelta(hours=10), timedelta(minutes=70), True),
        (AGE, AGE, False),  # it has expired
    ],
)
def test_a_session_is_due_after_a_tenth_of_its_age_or_a_day(
    settings: Settings, age: timedelta, passed: timedelta, due: bool
) -> None:
    settings.SESSION_COOKIE_AGE = age.total_seconds()
    now = timezone.now()
    assert is_due(now + age - passed, now) is due
    assert not is_due(None, now)


@pytest.mark.parametrize("path", ["/", "/minimal/"])
def test_a_visit_extends_the_session_and_always_the_cookie(reader: Client, path: str) -> None:
    for passed, extended in ((timedelta(hours=1), False), (13 * DAY, True)):
        expiry = age_by(passed)
        reader.cookies[settings.SESSION_COOKIE_NAME]["max-age"] = 1
        reader.get(path)
        assert (Session.objects.get().expire_date != expiry) is extended
        assert reader.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == AGE.total_seconds()
        assert reader.cookies[settings.SESSION_COOKIE_NAME]["httponly"]
    assert left() > AGE - timedelta(minutes=1)


def test_a_visit_counts_for_the_user_as_a_sign_in_does(reader: Client) -> None:
    User.objects.update(last_login=timezone.now() - 20 * DAY)
    age_by(2 * DAY)
    reader.get("/")
    last_login = User.objects.get().last_login
    assert last_login is not None
    assert last_login > timezone.now() - DAY


def test_a_late_response_does_not_bring_an_ended_session_back(reader: Client, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.session = reader.session
    Session.objects.all().delete()  # another tab has signed in
    response = HttpResponse()
    renew_visit(request, response)
    assert settings.SESSION_COOKIE_NAME not in response.cookies


def test_daily_visits_keep_the_session(reader: Client) -> None:
    for _ in range(30):
        age_by(DAY * 1.01)
        assert b"data-owner" in reader.get("/").content


def test_a_session_with_its_own_expiry_is_left_alone(reader: Client) -> None:
    session = reader.session
    session.set_expiry(3600)
    session.save()
    expiry = Session.objects.get().expire_date
    reader.cookies[settings.SESSION_COOKIE_NAME]["max-age"] = 1
    reader.get("/")
    assert Session.objects.get().expire_date == expiry
    assert reader.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 1


def test_an_ended_session_is_not_restored(reader: Client) -> None:
    session = reader.session
    age_by(AGE + DAY)
    renew(session)
    assert left() < timedelta(0)
    Session.objects.all().delete()
    renew(session)
    assert not Session.objects.exists()


def test_a_session_in_a_cache_is_saved_at_each_visit(settings: Settings, owner: User) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    client = Client()
    client.force_login(owner)
    client.cookies[settings.SESSION_COOKIE_NAME]["max-age"] = 1
    client.get("/")
    assert client.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == AGE.total_seconds()


@pytest.mark.django_db(transaction=True)
async def test_a_command_extends_the_session(reader: Client, log: Log) -> None:
    async def send(socket: Socket) -> Any:
        await socket.send_command("tailrace:subscribe")
        assert await socket.refusal() == (400, "missing_field", "response_id")
        await socket.send_command("tailrace:cancel", response_id="01234567-89ab-7def-8123-456789abcdef")
        assert await socket.refusal() == (404, "response_not_found", "response_id")

    async with connected(Socket(cookie=cookie_of(reader))) as socket:
        await send(socket)
        expiry = (await on_rows(Session.objects.get)).expire_date
    await on_rows(age_by, 13 * DAY)
    async with connected(Socket(cookie=cookie_of(reader))) as socket:
        assert await on_rows(left) < 2 * DAY
        await send(socket)
        assert await on_rows(left) > AGE - timedelta(minutes=1)
    assert (await on_rows(Session.objects.get)).expire_date > expiry
