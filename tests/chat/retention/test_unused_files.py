"""Unused files: bytes first, then rows; any interruption or error leaves rows for the next run."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from chat.accounts.guests import create_guest
from chat.file_models import File, FileState, FileUse
from chat.files import storage
from chat.files.claiming import claim
from chat.models import Conversation
from chat.protocol.input_items import FilePart
from chat.retention import expiry, unused_files
from chat.retention.tidying import old, tidy
from tests.chat.contents import GIF, PDF, PNG
from tests.chat.rows import stored
from tests.chat.stored_files import contents, kept, uploaded_at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

NOW = timezone.now()
RECENTLY, LONG_AGO = NOW - timedelta(hours=23), NOW - timedelta(hours=25)


def erased() -> int:
    return sum(unused_files.erase(NOW))


def used(owner: User, row: File) -> Conversation:
    response = stored(owner, status="completed")
    claim(owner, response, [FilePart("input", row.wire_id)])
    return response.conversation


@pytest.mark.parametrize(
    ("fields", "stays"),
    [
        ({"uploaded_at": RECENTLY}, True),
        ({"uploaded_at": LONG_AGO}, False),
        ({"uploaded_at": LONG_AGO, "purpose": "vision"}, True),
        ({"uploaded_at": LONG_AGO, "purpose": "vision", "state": FileState.DELETING}, False),
        ({"uploaded_at": RECENTLY, "purpose": "vision", "owner": None}, False),
        ({"uploaded_at": RECENTLY, "state": FileState.UPLOADING}, True),
        ({"uploaded_at": LONG_AGO, "state": FileState.UPLOADING}, False),
        ({"uploaded_at": RECENTLY, "state": FileState.DELETING}, False),
        ({"uploaded_at": RECENTLY, "owner": None}, False),
        ({"uploaded_at": RECENTLY, "owner": None, "state": FileState.UPLOADING}, True),
        ({"uploaded_at": LONG_AGO, "owner": None, "state": FileState.UPLOADING}, False),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_a_file_without_a_response_is_deleted_after_a_day(
    owner: User, folder: Path, fields: dict[str, Any], stays: bool
) -> None:
    kept(owner, PNG)
    File.objects.update(**fields)
    assert old(NOW)["files"] == (not stays)
    assert erased() == (not stays)
    assert (File.objects.exists(), contents(folder)) == (stays, [PNG] if stays else [])


def test_a_file_with_a_response_stays(owner: User, folder: Path) -> None:
    first = used(owner, kept(owner, PNG))
    used(owner, kept(owner, PNG))
    kept(owner, GIF)
    uploaded_at(LONG_AGO)
    first.delete()
    assert (erased(), contents(folder)) == (1, [PNG])
    Conversation.objects.all().delete()
    assert (erased(), contents(folder)) == (1, [])


def test_the_files_of_a_conversation_are_deleted_with_it(owner: User, folder: Path) -> None:
    Conversation.objects.filter(pk=used(owner, kept(owner)).pk).update(deleted_at=NOW - timedelta(days=31))
    uploaded_at(LONG_AGO)
    assert old(NOW)["files"] == 1
    assert {batch.kind for batch in tidy(NOW) if batch.rows} == {"responses", "conversations", "files"}
    assert (File.objects.count(), FileUse.objects.count(), contents(folder)) == (0, 0, [])


def test_the_files_of_a_guest_are_deleted_with_it(folder: Path) -> None:
    guest = create_guest()
    used(guest, kept(guest, PNG))
    kept(guest, GIF)
    User.objects.update(date_joined=NOW - timedelta(days=31))
    Conversation.objects.update(updated_at=NOW - timedelta(days=31))
    assert old(NOW)["files"] == 2
    for _ in tidy(NOW):
        pass
    assert (User.objects.count(), File.objects.count(), contents(folder)) == (0, 0, [])


def test_the_files_of_a_deleted_user_are_deleted_by_the_next_run(owner: User, folder: Path) -> None:
    used(owner, kept(owner, PNG))
    kept(owner, GIF)
    owner.delete()
    assert (FileUse.objects.count(), len(contents(folder))) == (0, 2)
    assert (erased(), contents(folder)) == (2, [])


def test_an_error_of_the_storage_is_logged_and_the_next_run_tries_again(
    owner: User, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = kept(owner, PNG), kept(owner, GIF)
    uploaded_at(LONG_AGO)
    path = folder / bad.storage_name
    path.unlink()
    (path / "not empty").mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        assert erased() == 1
    assert f"{bad.wire_id} is deleted later: OSError" in caplog.text
    assert [row.pk for row in File.objects.filter(state=FileState.DELETING)] == [bad.pk]
    assert not File.objects.filter(pk=good.pk).exists()
    (path / "not empty").rmdir()
    assert (erased(), File.objects.count(), path.exists()) == (1, 0, False)


@pytest.mark.parametrize("moment", ["marked", "without its bytes"])
def test_an_interruption_is_found_by_the_next_run(
    owner: User, folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    kept(owner)
    uploaded_at(LONG_AGO)
    delete = storage.delete

    def interrupted(name: str) -> None:
        if moment != "marked":
            delete(name)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", interrupted)
        with pytest.raises(KeyboardInterrupt):
            erased()
    assert File.objects.get().state == FileState.DELETING
    assert (erased(), File.objects.count(), contents(folder)) == (1, 0, [])


def test_a_use_that_was_committed_just_before_the_lock_keeps_the_file(
    owner: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = kept(owner)
    uploaded_at(LONG_AGO)
    before = expiry.unused_files(NOW)
    used(owner, row)
    stale = File.objects.filter(pk__in=list(before.values_list("pk", flat=True)) or [row.pk])
    monkeypatch.setattr(expiry, "unused_files", lambda _: stale)  # as a query that began before sees it
    assert erased() == 0
    assert (File.objects.get().state, len(contents(folder))) == (FileState.STORED, 1)


def test_files_are_deleted_in_small_batches_and_each_is_tried_once(
    owner: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unused_files, "FILES", 2)
    for number in range(5):
        kept(owner, f"file {number}".encode())
    uploaded_at(LONG_AGO)

    def fail(_: str) -> None:
        raise storage.StorageError

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", fail)
        assert list(unused_files.erase(NOW)) == [0, 0, 0]
    assert list(unused_files.erase(NOW)) == [2, 2, 1]
    assert contents(folder) == []


def test_the_bytes_are_deleted_outside_of_transactions(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(owner, PDF)
    uploaded_at(LONG_AGO)
    outside, depths = len(connection.savepoint_ids), list[int]()
    monkeypatch.setattr(storage, "delete", lambda _: depths.append(len(connection.savepoint_ids)))
    assert erased() == 1
    assert depths == [outside]
