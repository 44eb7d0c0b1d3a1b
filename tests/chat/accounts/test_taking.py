"""A guest's work becomes an account's: all of it, at once, whatever runs meanwhile."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import ForeignObjectRel
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from chat.accounts import taking
from chat.accounts.api_keys import create_key, find_key
from chat.accounts.guests import create_guest
from chat.accounts.taking import count_conversations, take
from chat.file_models import File, FileState, FileUse
from chat.files.reading import find
from chat.files.storing import store
from chat.key_models import ApiKey
from chat.models import Conversation, Response, Status
from chat.preference_models import Preferences, preferences_of
from chat.protocol.commands import create
from chat.protocol.composer import Ending
from chat.protocol.errors import CommandError
from chat.protocol.messages import messages
from chat.responses.attachments import loaded
from chat.responses.creation import create_response
from chat.responses.ending import end
from chat.responses.model_catalog import DEMO
from chat.responses.representation import response_object
from chat.transport.event_log import Log
from tests.chat.contents import PNG
from tests.chat.rows import on_rows, question, saved, stored
from tests.chat.stored_files import kept
from tests.harness.waiting import deadline, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_redis")]

ENDING = {"ApiKey", "Webhook"}  # which end with the guest: programs have them, not the visitor's browser
DECIDED = {"Conversation", "Response", "File", "Preferences"}  # rows of a user that `take` changes
OF_DJANGO = {"LogEntry", "User_groups", "User_user_permissions"}  # a guest has none


@pytest.fixture
def guest(db: None) -> User:
    return create_guest()


def asked_with(owner: User, file: File, **fields: Any) -> Response:
    """A response whose question has the file."""
    row = stored(owner, **fields)
    row.input[0]["content"].append({"type": "input_image", "file_id": file.wire_id})
    row.save()
    FileUse.objects.create(file=file, response=row)
    return row


def test_all_conversations_of_a_guest_become_the_accounts(owner: User, guest: User, folder: Path) -> None:
    for _ in range(5):
        stored(owner, status=Status.COMPLETED)
    for _ in range(17):
        stored(guest, status=Status.COMPLETED)
    running = stored(guest, status=Status.IN_PROGRESS, worker="worker1", attempt=1)
    file = kept(guest, PNG, "depths.png")
    asked_with(guest, file, status=Status.COMPLETED)
    stored(guest, conversation=Conversation.objects.create(owner=guest, deleted_at=timezone.now()))
    assert count_conversations(guest.pk) == 19
    assert take(guest.pk, owner.pk)
    assert Conversation.objects.filter(owner=owner).count() == 25
    assert count_conversations(owner.pk) == 24
    assert set(Response.objects.values_list("owner", flat=True)) == {owner.pk}
    running.refresh_from_db()
    assert (running.status, running.worker, running.attempt) == (Status.IN_PROGRESS, "worker1", 1)
    file.refresh_from_db()
    assert (file.owner_id, file.state) == (owner.pk, FileState.STORED)
    assert not User.objects.filter(pk=guest.pk).exists()


def test_every_relation_of_a_user_is_considered() -> None:
    relations = (field for field in User._meta.get_fields(include_hidden=True) if field.auto_created)
    names = {field.related_model.__name__ for field in relations if isinstance(field, ForeignObjectRel)}
    assert names - OF_DJANGO - ENDING == DECIDED


def test_the_api_keys_of_a_guest_end(owner: User, guest: User, settings: Settings) -> None:
    settings.TAILRACE_GUEST_KEYS = True
    _, text = create_key(guest, "laptop")
    own, _ = create_key(owner, "phone")
    assert take(guest.pk, owner.pk)
    assert find_key(text) is None
    assert list(ApiKey.objects.all()) == [own]


def test_it_is_taken_once(owner: User, guest: User) -> None:
    stored(guest)
    assert take(guest.pk, owner.pk)
    assert not take(guest.pk, owner.pk)


def test_an_account_cannot_be_taken_nor_a_guest_take(owner: User, stranger: User, guest: User) -> None:
    stored(stranger)
    stored(guest)
    assert not take(stranger.pk, owner.pk)
    assert not take(guest.pk, create_guest().pk)
    assert count_conversations(stranger.pk) == count_conversations(guest.pk) == 1


def test_a_file_that_the_account_has_too_keeps_its_id(owner: User, guest: User, folder: Path) -> None:
    """A draft, an unsent message or a worker may name it."""
    own, double = kept(owner, PNG, "mine.png"), kept(guest, PNG, "theirs.png")
    row = asked_with(guest, double)
    assert take(guest.pk, owner.pk)
    assert find(owner.pk, double.wire_id).name == "theirs.png"
    assert find(owner.pk, own.wire_id).name == "mine.png"
    assert list(FileUse.objects.values_list("file", "response")) == [(double.pk, row.pk)]
    assert store(owner, "again.png", PNG) in (own, double)


def test_pins_beyond_the_accounts_room_end_with_the_guests_oldest(
    owner: User, guest: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "MAX_PINNED", 3)
    times = [timezone.now() + timedelta(minutes=number) for number in range(5)]
    for number, at in enumerate(times):
        pinned_by = guest if number < 3 else owner
        Conversation.objects.create(owner=pinned_by, title=str(number), pinned_at=at)
    assert take(guest.pk, owner.pk)
    titles = Conversation.objects.visible_to(owner.pk).pinned().values_list("title", flat=True)
    assert list(titles) == ["4", "3", "2"]


def test_preferences_of_the_account_stay_and_those_of_the_guest_fill_them(owner: User, guest: User) -> None:
    Preferences.objects.create(owner=guest, values={"model": "theirs", "temperature": 0.5})
    Preferences.objects.create(owner=owner, values={"model": "mine"})
    assert take(guest.pk, owner.pk)
    assert preferences_of(owner.pk) == {"model": "mine", "temperature": 0.5}


def test_an_account_without_preferences_gets_the_guests(owner: User, guest: User) -> None:
    Preferences.objects.create(owner=guest, values={"temperature": 0.5})
    assert take(guest.pk, owner.pk)
    assert preferences_of(owner.pk) == {"temperature": 0.5}


def test_rows_are_locked_in_the_order_of_others(owner: User, guest: User) -> None:
    """Live responses, conversations, ended responses: as `finish` and `tidy` lock them."""
    stored(guest, client_request_id="ended", status=Status.COMPLETED)
    stored(owner, client_request_id="ended")
    with CaptureQueriesContext(connection) as done:
        assert take(guest.pk, owner.pk)
    tables = [query["sql"].split('"')[1] for query in done.captured_queries if "UPDATE" in query["sql"][:6]]
    last = len(tables) - tables[::-1].index("tailrace_conversation")
    assert "tailrace_response" in tables[last:]
    live = [query["sql"] for query in done.captured_queries if query["sql"].startswith("UPDATE")][:2]
    assert all('UPDATE "tailrace_response"' in sql and '"status" IN' in sql for sql in live)


def test_a_claim_that_waits_for_it_is_made(owner: User, guest: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row = stored(guest)
    claims: list[Future[Response | None]] = []

    def claimed() -> Response | None:
        try:
            return Response.objects.claim(row.wire_id, "worker1")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:

        def begin_claim(*_: Any) -> None:
            claims.append(pool.submit(claimed))
            wait_until(is_blocked, deadline(10), "the claim waits")

        monkeypatch.setattr(taking, "_take_preferences", begin_claim)  # the last step before the deletion
        assert take(guest.pk, owner.pk)
        found = claims[0].result(deadline())
    assert found is not None
    assert found.owner_id == owner.pk


def is_blocked() -> bool:
    """Whether another transaction waits for this one; SQLite's waits before it reads anything."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_a_request_id_that_both_used_stays_the_accounts(owner: User, guest: User) -> None:
    own = stored(owner, client_request_id="same")
    theirs, another = stored(guest, client_request_id="same"), stored(guest, client_request_id="another")
    assert take(guest.pk, owner.pk)
    ids = dict(Response.objects.values_list("pk", "client_request_id"))
    assert ids == {own.pk: "same", theirs.pk: None, another.pk: "another"}


def test_a_claimed_response_finds_its_files(owner: User, guest: User, folder: Path) -> None:
    row = asked_with(guest, kept(guest, PNG))
    assert take(guest.pk, owner.pk)
    assert row.owner_id == guest.pk  # as the worker has it in memory
    assert "base64" in str(loaded(row.owner_now(), messages(row.input)))


async def test_a_running_answer_ends_in_the_account(owner: User, guest: User, log: Log) -> None:
    row = await on_rows(stored, guest, status=Status.IN_PROGRESS)
    await log.create(response_object(row))
    assert await on_rows(take, guest.pk, owner.pk)
    await end(log, row.wire_id, Ending("completed", time.time()))
    ended = await saved(row.pk)
    assert (ended.owner_id, ended.status) == (owner.pk, Status.COMPLETED)


async def test_a_question_of_the_guest_after_it_is_refused_and_stores_nothing(
    owner: User, guest: User, log: Log
) -> None:
    assert await on_rows(take, guest.pk, owner.pk)
    command = create({"type": "response.create", "model": DEMO, "input": "Late"})
    with pytest.raises(CommandError, match="unauthenticated"):
        await create_response(guest, command, log)
    assert not await on_rows(Response.objects.exists)


def test_requests_at_the_same_time_take_it_once(owner: User, guest: User) -> None:
    for _ in range(10):
        stored(guest)
    ready = threading.Barrier(4)

    def taken() -> bool:
        try:
            ready.wait(deadline())
            return take(guest.pk, owner.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = [future.result() for future in [pool.submit(taken) for _ in range(4)]]
    assert sorted(results) == [False, False, False, True]
    assert count_conversations(owner.pk) == 10


def test_an_error_leaves_all_with_the_guest(
    owner: User, guest: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError

    stored(guest, text="Mine", input=[question("Mine")])
    monkeypatch.setattr(taking, "_take_files", fail)
    with pytest.raises(RuntimeError):
        take(guest.pk, owner.pk)
    assert (count_conversations(guest.pk), count_conversations(owner.pk)) == (1, 0)
