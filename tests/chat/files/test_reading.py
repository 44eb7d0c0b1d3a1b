"""Reading: the owner's stored files alone; a storage without the bytes is logged."""

import base64
import logging
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from chat.file_models import File, FileState
from chat.files.reading import content, data_url, find
from chat.files.storage import StorageError
from chat.protocol.errors import CommandError
from tests.chat.contents import PDF, PNG, TEXT
from tests.chat.stored_files import kept

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


def is_missing(owner: User, file_id: str) -> bool:
    with pytest.raises(CommandError) as raised:
        data_url(find(owner.pk, file_id))
    return raised.value.code == "file_not_found"


@pytest.mark.parametrize(
    ("kind", "bytes_"), [("image/png", PNG), ("application/pdf", PDF), ("text/plain", TEXT)], ids=str
)
def test_a_file_is_read_as_a_data_url_of_its_own_type(owner: User, kind: str, bytes_: bytes) -> None:
    row = kept(owner, bytes_)
    assert content(find(owner.pk, row.wire_id)) == bytes_
    assert data_url(row) == f"data:{kind};base64,{base64.b64encode(bytes_).decode()}"


def test_another_users_file_is_not_found(owner: User, stranger: User) -> None:
    assert is_missing(stranger, kept(owner).wire_id)


@pytest.mark.parametrize("state", [FileState.UPLOADING, FileState.DELETING])
def test_a_file_that_may_be_incomplete_is_not_found(owner: User, state: FileState) -> None:
    assert is_missing(owner, kept(owner, state=state).wire_id)


def test_a_deleted_users_file_is_not_found_also_without_a_user(owner: User) -> None:
    row = kept(owner)
    owner.delete()
    assert File.objects.get().owner is None
    assert not File.objects.stored_of(None).exists()  # type: ignore[arg-type]  # as a caller without a session
    with pytest.raises(CommandError):
        find(0, row.wire_id)


@pytest.mark.parametrize("file_id", ["", "file-", "file-" + "0" * 32, "../../etc/passwd", "a" * 10_000])
def test_an_unknown_id_is_not_found(owner: User, file_id: str) -> None:
    assert is_missing(owner, file_id)


def test_bytes_that_the_storage_lacks_are_logged_for_the_operator(
    owner: User, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = kept(owner)
    (folder / row.storage_name).unlink()
    with caplog.at_level(logging.ERROR), pytest.raises(StorageError, match=r"^FileNotFoundError$"):
        data_url(row)
    assert "web and workers must share it" in caplog.text


def test_a_storage_that_fails_is_unavailable(owner: User, folder: Path) -> None:
    row = kept(owner)
    (folder / row.storage_name).unlink()
    (folder / row.storage_name).mkdir()
    with pytest.raises(StorageError, match=r"^IsADirectoryError$"):
        data_url(row)
