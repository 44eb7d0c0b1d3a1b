"""A key gives access from its creation to its end; its text is stored nowhere."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError
from django.test import RequestFactory
from django.utils import timezone
from django.views.debug import ExceptionReporter
from pytest_django import Settings

from chat.accounts import api_keys
from chat.accounts.api_keys import bearer, create_key, find_key, key_watch, revoke_key
from chat.accounts.guests import create_guest
from chat.key_models import USE_STEP, ApiKey, ApiKeyQuerySet
from chat.protocol.errors import CommandError
from chat.transport.channel_layer import PipelinedChannelLayer
from chat.transport.notifications import owner_group, recheck_message
from tests.chat.rows import on_rows
from tests.harness.waiting import deadline

pytestmark = pytest.mark.django_db


def revoke(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).revoke()


def expire(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())


def delete(key: ApiKey) -> None:
    key.delete()


def deactivate_owner(key: ApiKey) -> None:
    User.objects.filter(pk=key.owner_id).update(is_active=False)


def delete_owner(key: ApiKey) -> None:
    User.objects.filter(pk=key.owner_id).delete()


ENDS = [revoke, expire, delete, deactivate_owner, delete_owner]


def test_a_key_cannot_be_guessed_and_has_one_form(owner: User) -> None:
    texts = {create_key(owner, "laptop")[1] for _ in range(20)}
    assert len(texts) == 20
    assert {(text[:3], len(text)) for text in texts} == {("tr_", 46)}  # 43 characters of 6 bits each


def test_only_the_digest_and_the_last_characters_are_stored(owner: User) -> None:
    key, text = create_key(owner, "laptop")
    key.refresh_from_db()
    assert key.digest == hashlib.sha256(text.encode()).hexdigest()
    assert key.hint == text[-4:]
    assert text not in str(vars(key))
    assert text not in str(key)


def test_a_key_is_found_with_its_owner_in_one_query(owner: User, django_assert_num_queries: Any) -> None:
    key, text = create_key(owner, "laptop", timezone.now() + timedelta(days=1))
    ApiKey.objects.update(last_used_at=timezone.now())
    with django_assert_num_queries(1):
        found = find_key(text)
        assert found == key
        assert found is not None
        assert found.owner == owner


@pytest.mark.parametrize("end", ENDS)
def test_a_key_is_found_until_it_ends(owner: User, end: Callable[[ApiKey], None]) -> None:
    other = create_key(User.objects.create_user("other"), "theirs")
    key, text = create_key(owner, "laptop")
    assert find_key(text) == key
    end(key)
    assert find_key(text) is None
    assert find_key(other[1]) == other[0]


@pytest.mark.parametrize("text", ["", "tr_", "tr_unknown", "sk-other", "tr_é", "tr_" + "a" * 10_000])
def test_other_texts_are_no_keys(owner: User, text: str) -> None:
    create_key(owner, "laptop")
    assert find_key(text) is None


def test_a_text_that_cannot_be_a_key_costs_no_query(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert find_key("sk-other") is None
        assert find_key("tr_" + "a" * 10_000) is None


def test_the_last_use_is_written_once_in_a_minute(owner: User, django_assert_num_queries: Any) -> None:
    key, text = create_key(owner, "laptop")
    assert key.last_used_at is None
    find_key(text)
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    with django_assert_num_queries(1):  # no UPDATE
        find_key(text)
    ApiKey.objects.update(last_used_at=first - USE_STEP)
    find_key(text)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert key.last_used_at > first


def test_of_two_uses_at_once_one_is_written(owner: User) -> None:
    key, _ = create_key(owner, "laptop")
    same = ApiKey.objects.get()
    assert ApiKey.objects.note_use(key)
    assert not ApiKey.objects.note_use(same)


def test_an_owner_has_so_many_keys_that_have_not_ended(
    owner: User, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MAX_KEYS", 2)
    first, _ = create_key(owner, "a")
    second, _ = create_key(owner, "b")
    with pytest.raises(CommandError, match="too_many_keys"):
        create_key(owner, "c")
    create_key(stranger, "theirs")
    revoke(first)
    create_key(owner, "c")
    expire(second)
    create_key(owner, "d")


def test_a_new_key_deletes_the_oldest_of_many_that_have_ended(
    owner: User, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MAX_ENDED", 2)
    revoke(create_key(stranger, "theirs")[0])
    create_key(owner, "live")
    for number, end in enumerate([revoke, expire, revoke]):
        end(create_key(owner, str(number))[0])
    create_key(owner, "new")
    assert [key.name for key in ApiKey.objects.all()] == ["theirs", "live", "1", "2", "new"]


def test_a_guest_has_keys_only_where_guests_may(db: None, settings: Settings) -> None:
    guest = create_guest()
    with pytest.raises(CommandError, match="account_required"):
        create_key(guest, "laptop")
    settings.TAILRACE_GUEST_KEYS = True
    assert find_key(create_key(guest, "laptop")[1])


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([(b"authorization", b"Bearer tr_a")], "tr_a"),
        ([(b"accept", b"*/*"), (b"Authorization", b"bearer  tr_a ")], "tr_a"),
        ([(b"authorization", b"Basic tr_a")], ""),
        ([(b"authorization", b"Bearer")], ""),
        ([(b"authorization", b"Bearer \xff")], "\xff"),
        ([], ""),
    ],
)
def test_the_token_is_that_of_the_bearer_scheme(headers: list[tuple[bytes, bytes]], token: str) -> None:
    assert bearer(headers) == token


def test_a_report_of_an_error_hides_the_text(
    owner: User, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(api_keys, "new_text", lambda: "tr_canary")
    create_key(owner, "laptop")
    with pytest.raises(IntegrityError) as made:
        create_key(owner, "laptop")
    monkeypatch.setattr(ApiKeyQuerySet, "usable", fail)
    with pytest.raises(OperationalError) as found:
        find_key("tr_canary")
    for error in (made, found):
        report = ExceptionReporter(rf.get("/"), error.type, error.value, error.tb.tb_next)
        frames = {frame["function"]: str(frame["vars"]) for frame in report.get_traceback_frames()}
        assert {"create_key", "find_key"} & set(frames)
        assert [name for name, variables in frames.items() if "tr_canary" in variables] == []


@pytest.mark.django_db(transaction=True)
async def test_a_revocation_makes_the_owners_connections_check_at_once(
    owner: User, layer: PipelinedChannelLayer
) -> None:
    channel = await get_channel_layer().new_channel()
    await layer.group_add(owner_group(owner.pk), channel)
    key, _ = await on_rows(create_key, owner, "laptop")
    assert await on_rows(revoke_key, key)
    async with asyncio.timeout(deadline()):
        assert await layer.receive(channel) == recheck_message()
    assert not await on_rows(revoke_key, key)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_url")  # the deletion of a user notifies
@pytest.mark.parametrize("end", ENDS)
async def test_the_watch_knows_the_keys_that_give_access(owner: User, end: Callable[[ApiKey], None]) -> None:
    key, _ = await on_rows(create_key, owner, "laptop")
    stranger = await on_rows(User.objects.create_user, "other")
    theirs, _ = await on_rows(create_key, stranger, "theirs", timezone.now() + timedelta(days=1))
    watch = key_watch()
    assert watch is key_watch()
    watched, other = [watch.add(each.pk, lambda: None) for each in (key, theirs)]
    assert await watched.check()
    await on_rows(end, key)
    assert not await watched.check()
    assert await other.check()
    assert (watched.expires_at, other.expires_at) == (None, theirs.expires_at)
    for each in (watched, other):
        watch.remove(each)
