"""Sign-ins are limited before a password is checked, on both pages, and no name is disclosed."""

import asyncio
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from chat.accounts import sign_in
from chat.accounts.sign_in import (
    MOST_PER_ACCOUNT,
    MOST_PER_ADDRESS,
    MOST_WAITING,
    Turns,
    limits,
    network_of,
    retry_after,
)
from chat.transport import counters
from chat.transport.counters import Count, LocalCounters
from tests.harness.waiting import await_until

PASSWORD = "correct horse battery"
PAGES = ("/accounts/login/", "/admin/login/")


@pytest.fixture(autouse=True)
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were checked."""
    found: list[str] = []
    hasher = "django.contrib.auth.hashers.MD5PasswordHasher.encode"

    def encode(self: Any, password: str, salt: str) -> str:
        found.append(password)
        return f"md5${salt}${password}"

    monkeypatch.setattr(hasher, encode)
    return found


@pytest.fixture
async def reader(redis_url: str, transactional_db: None) -> User:
    return await User.objects.acreate_user("reader", password=PASSWORD, is_staff=True)


async def attempt(client: AsyncClient, page: str, name: str, password: str) -> Any:
    request = {"username": name, "password": password}
    return await client.post(page, request)


@pytest.mark.usefixtures("static_root", "reader")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["reader", "nobody"])
async def test_a_sixth_wrong_password_is_not_checked(
    async_client: AsyncClient, checked: list[str], page: str, name: str
) -> None:
    for _ in range(MOST_PER_ACCOUNT):
        assert (await attempt(async_client, page, name, "wrong")).status_code == 200
    checked.clear()
    for password in ("wrong", PASSWORD):
        refusal = await attempt(async_client, page, name.upper(), password)
        assert refusal.status_code == 429
        assert 0 < int(refusal.headers["Retry-After"]) <= 60
    assert checked == []


@pytest.mark.usefixtures("static_root", "reader")
async def test_both_pages_count_together(async_client: AsyncClient) -> None:
    for number in range(MOST_PER_ACCOUNT):
        await attempt(async_client, PAGES[number % 2], "reader", "wrong")
    for page in PAGES:
        assert (await attempt(async_client, page, "reader", PASSWORD)).status_code == 429


@pytest.mark.usefixtures("static_root", "reader")
async def test_an_address_has_a_limit_over_all_names(async_client: AsyncClient, checked: list[str]) -> None:
    for number in range(MOST_PER_ADDRESS):
        await attempt(async_client, PAGES[0], f"name{number}", "wrong")
    checked.clear()
    assert (await attempt(async_client, PAGES[0], "reader", PASSWORD)).status_code == 429
    assert checked == []


@pytest.mark.usefixtures("static_root", "reader")
async def test_successful_sign_ins_are_not_counted() -> None:
    for _ in range(2 * MOST_PER_ACCOUNT):
        assert (await attempt(AsyncClient(), PAGES[0], "reader", PASSWORD)).status_code == 302


@pytest.mark.usefixtures("static_root", "reader")
async def test_a_known_and_an_unknown_name_cost_the_same(
    async_client: AsyncClient, checked: list[str]
) -> None:
    costs = []
    for name in ("reader", "nobody"):
        checked.clear()
        reply = await attempt(async_client, PAGES[0], name, "wrong")
        costs.append((len(checked), reply.status_code, reply.content.decode().count('role="alert"')))
    assert costs[0] == costs[1]
    assert costs[0][0] >= 1


def test_looking_at_the_page_is_free(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sign_in, "_count")
    assert sign_in.limited(LoginView.as_view())(rf.get("/")).status_code == 200


@pytest.mark.usefixtures("redis_url")
async def test_one_check_at_a_time_and_the_fifth_that_waits_is_refused(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "turns", Turns())
    monkeypatch.setattr(sign_in, "WAIT_SECS", 3600)
    running, most, release = 0, 0, threading.Event()

    def slow(request: HttpRequest) -> HttpResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        release.wait()
        running -= 1
        return HttpResponse()

    view = sign_in.limited(slow)

    async def post(number: int) -> int:
        request = rf.post("/", {"username": f"name{number}"}, REMOTE_ADDR=f"192.0.2.{number}")
        return (await asyncio.to_thread(view, request)).status_code

    posts = [asyncio.create_task(post(number)) for number in range(MOST_WAITING + 6)]
    await await_until(lambda: sum(each.done() for each in posts) == 5, 10, "those beyond are refused")
    release.set()
    assert sorted(await asyncio.gather(*posts)) == [200] * (1 + MOST_WAITING) + [429] * 5
    assert most == 1


def test_who_has_waited_too_long_is_refused_and_leaves_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "WAIT_SECS", 0.01)
    turns = Turns()
    assert turns.take("a")
    assert [turns.take(str(number)) for number in range(2 * MOST_WAITING)] == [False] * 2 * MOST_WAITING
    turns.end("a")
    assert turns.take("a")


def test_a_network_has_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "WAIT_SECS", 3600)
    turns = Turns()
    assert turns.take("a")
    assert not turns.take("a")  # at once
    turns.end("a")
    assert turns.take("a")


@given(st.integers(0, 100), st.integers(1, 100))
def test_beyond_the_limit_the_rest_of_the_window_is_waited(count: int, limit: int) -> None:
    assert retry_after(Count(count, 10.2), limit) == (11 if count > limit else 0)


@pytest.mark.usefixtures("static_root", "reader")
async def test_a_refused_account_does_not_use_up_its_address(
    async_client: AsyncClient, checked: list[str]
) -> None:
    for _ in range(3 * MOST_PER_ADDRESS):
        await attempt(async_client, PAGES[0], "retried-by-a-program", "wrong")
    assert (await attempt(async_client, PAGES[0], "reader", PASSWORD)).status_code == 302


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("192.0.2.1", "a"), ("192.0.2.1", "A"), True),
        (("192.0.2.1", "a"), ("192.0.2.1", " \uff41\u3000"), True),  # the form makes an "a" of it
        (("::ffff:192.0.2.1", "a"), ("192.0.2.1", "a"), True),
        (("::ffff:192.0.2.1", "a"), ("::ffff:192.0.2.2", "a"), False),
        (("192.0.2.1", "a"), ("192.0.2.2", "a"), False),
        (("2001:db8::1", "a"), ("2001:db8::2", "a"), True),
        (("2001:db8::1", "a"), ("2001:db8:0:1::1", "a"), False),
        (("", "a"), ("", "a"), True),
    ],
)
def test_a_household_is_one_address(one: tuple[str, str], other: tuple[str, str], same: bool) -> None:
    found = [limits(network_of(address), account) for address, account in (one, other)]
    assert (found[0] == found[1]) is same


def test_a_name_of_any_length_makes_a_short_key() -> None:
    assert all(len(name) < 100 for name in limits("192.0.2.1", "x" * 10_000 + "\ud800"))


def test_without_redis_the_process_still_limits(monkeypatch: pytest.MonkeyPatch, rf: RequestFactory) -> None:
    local = LocalCounters()
    monkeypatch.setattr(sign_in, "_add", lambda counted, by: local.add(counted, 60, by))
    view = sign_in.limited(lambda request: HttpResponse())
    statuses = [view(rf.post("/", {"username": "a"})).status_code for _ in range(MOST_PER_ACCOUNT + 1)]
    assert statuses == [200] * MOST_PER_ACCOUNT + [429]
    assert counters.local is not local
