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
from chat.files.claiming import claim, most_prompt_bytes
from chat.models import Response
from chat.protocol.errors import CommandError
from chat.protocol.input_items import FilePart
from chat.retention import unused_files
from tests.chat.contents import GIF, PNG, TEXT
from tests.chat.rows import stored
from tests.chat.stored_files import kept, uploaded_at
from tests.harness.waiting import deadline

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

PATH, SECOND = "input[0].content[0].file_id", "input[0].content[1].file_id"


def test_a_response_refers_to_each_of_its_files_once(owner: User, response: Response) -> None:
    one, two = kept(owner, PNG), kept(owner, GIF)
    parts = [
        FilePart(PATH, two.wire_id),
        FilePart(SECOND, one.wire_id, is_image=True),
        FilePart(SECOND, one.wire_id),
    ]
    claim(owner, response, parts)
    claim(owner, response, parts)
    assert {use.file for use in response.file_uses.all()} == {one, two}
    assert FileUse.objects.count() == 2


def test_without_files_nothing_is_asked(
    owner: User, response: Response, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        claim(owner, response, [])


def test_another_users_file_is_not_found_at_its_path(owner: User, stranger: User, response: Response) -> None:
    mine, other = kept(owner, PNG), kept(stranger, PNG)
    with pytest.raises(CommandError) as raised:
        claim(owner, response, [FilePart(PATH, mine.wire_id), FilePart(SECOND, other.wire_id)])
    assert (raised.value.code, raised.value.param) == ("file_not_found", SECOND)
    assert FileUse.objects.count() == 0


def refused(owner: User, response: Response, *parts: FilePart) -> tuple[str, str | None]:
    with pytest.raises(CommandError) as raised:
        claim(owner, response, parts)
    assert FileUse.objects.count() == 0
    return raised.value.code, raised.value.param


def test_an_image_is_one_by_its_content(owner: User, response: Response) -> None:
    row = kept(owner, TEXT)
    assert refused(owner, response, FilePart(PATH, row.wire_id, is_image=True)) == ("unsupported_file", PATH)
    claim(owner, response, [FilePart(PATH, row.wire_id)])


def test_all_files_of_a_question_have_a_bounded_size_each_time_that_they_are_named(
    owner: User, response: Response
) -> None:
    row = kept(owner, size=most_prompt_bytes() // 3)
    part, beyond = FilePart(PATH, row.wire_id), FilePart(SECOND, row.wire_id)
    assert refused(owner, response, part, part, part, beyond) == ("too_large_together", SECOND)
    claim(owner, response, [part] * 3)


@pytest.mark.parametrize("state", [FileState.UPLOADING, FileState.DELETING])
def test_a_file_that_may_be_incomplete_cannot_be_used(
    owner: User, response: Response, state: FileState
) -> None:
    row = kept(owner, state=state)
    with pytest.raises(CommandError):
        claim(owner, response, [FilePart(PATH, row.wire_id)])


def test_the_uses_end_with_the_response(owner: User, response: Response) -> None:
    row = kept(owner)
    claim(owner, response, [FilePart(PATH, row.wire_id)])
    claim(owner, stored(owner), [FilePart(PATH, row.wire_id)])
    response.conversation.delete()
    assert row.uses.count() == 1
    assert File.objects.get() == row


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_a_deletion_that_has_begun(owner: User, response: Response) -> None:
    row = kept(owner)
    has_begun, asked = threading.Event(), threading.Event()

    def late_claim() -> str:
        has_begun.wait(deadline())
        asked.set()
        try:
            claim(owner, response, [FilePart(PATH, row.wire_id)])
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
            asked.wait(deadline())
            File.objects.discard([row.pk])
        assert claimed.result(deadline()) == "file_not_found"


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
        claim(owner, response, [FilePart(PATH, row.wire_id)])
        FileUse.objects.all().delete()  # its rows lock the file, too: the claim alone must do so
        assert pool.submit(erase).result(deadline()) == 0
    assert File.objects.get().state == FileState.STORED
