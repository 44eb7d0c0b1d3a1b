"""Claims: a response refers to its owner's files alone, and these stay as long as it does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from chat.file_models import File, FileState, FileUse
from chat.files.claiming import claim
from chat.models import Response
from chat.protocol.errors import CommandError
from chat.retention import unused_files
from tests.chat.contents import GIF, PNG
from tests.chat.rows import stored
from tests.chat.stored_files import kept, uploaded_at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

PATH, SECOND = "input[0].content[0].file_id", "input[0].content[1].file_id"


def test_a_response_refers_to_each_of_its_files_once(owner: User, response: Response) -> None:
    one, two = kept(owner, PNG), kept(owner, GIF)
    paths = {two.wire_id: PATH, one.wire_id: SECOND}
    assert claim(owner, response, paths) == {one.wire_id: one, two.wire_id: two}
    assert claim(owner, response, paths)
    assert {use.file for use in response.file_uses.all()} == {one, two}
    assert FileUse.objects.count() == 2


def test_without_files_nothing_is_asked(
    owner: User, response: Response, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert claim(owner, response, {}) == {}


def test_another_users_file_is_not_found_at_its_path(owner: User, stranger: User, response: Response) -> None:
    mine, other = kept(owner, PNG), kept(stranger, PNG)
    with pytest.raises(CommandError) as raised:
        claim(owner, response, {mine.wire_id: PATH, other.wire_id: SECOND})
    assert (raised.value.code, raised.value.param) == ("file_not_found", SECOND)
    assert FileUse.objects.count() == 0


@pytest.mark.parametrize("state", [FileState.UPLOADING, FileState.DELETING])
def test_a_file_that_may_be_incomplete_cannot_be_used(
    owner: User, response: Response, state: FileState
) -> None:
    row = kept(owner, state=state)
    with pytest.raises(CommandError):
        claim(owner, response, {row.wire_id: PATH})


def test_the_uses_end_with_the_response(owner: User, response: Response) -> None:
    row = kept(owner)
    claim(owner, response, {row.wire_id: PATH})
    claim(owner, stored(owner), {row.wire_id: PATH})
    response.conversation.delete()
    assert row.uses.count() == 1
    assert File.objects.get() == row


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_a_deletion_that_has_begun(owner: User, response: Response) -> None:
    row = kept(owner)
    has_begun, asked = threading.Event(), threading.Event()

    def late_claim() -> str:
        has_begun.wait(30)
        asked.set()
        try:
            claim(owner, response, {row.wire_id: PATH})
        except CommandError as error:
            return error.code
        finally:
            connection.close()
        return "claimed"

    with ThreadPoolExecutor(1) as pool:
        claimed = pool.submit(late_claim)
        with transaction.atomic():
            File.objects.select_for_update().get()
            has_begun.set()
            asked.wait(30)
            File.objects.discard([row.pk])
        assert claimed.result(30) == "file_not_found"


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_being_claimed_is_not_deleted(owner: User, response: Response) -> None:
    if not connection.features.has_select_for_update:
        pytest.skip("SQLite has one writer at a time")
    row = kept(owner)
    uploaded_at(timezone.now() - timedelta(days=2))

    def erase() -> int:
        try:
            return sum(unused_files.erase(timezone.now()))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        claim(owner, response, {row.wire_id: PATH})
        FileUse.objects.all().delete()  # its rows lock the file, too: the claim alone must do so
        assert pool.submit(erase).result(30) == 0
    assert File.objects.get().state == FileState.STORED
