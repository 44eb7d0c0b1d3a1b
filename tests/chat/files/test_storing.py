"""Storing: bounded, typed, counted, once per content; an interruption leaves no bytes without a row."""

import base64
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from pytest_django import Settings

from chat.accounts.guests import create_guest
from chat.file_models import File, FileState, parse_wire_id
from chat.files import storage
from chat.files.spool import MIB
from chat.files.storage import StorageError
from chat.files.storing import store, store_data_url
from chat.protocol.errors import CommandError
from tests.chat.contents import ACCEPTED, GIF, HTML, PDF, PNG, REFUSED, SVG, TEXT, large
from tests.chat.stored_files import contents, kept
from tests.harness.waiting import deadline

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

PATH = "input[0].content[1].image_url"


def refused(work: Callable[[], Any]) -> tuple[str, str | None]:
    """The code and the field of a refusal."""
    with pytest.raises(CommandError) as raised:
        work()
    return raised.value.code, raised.value.param


def encoded(content: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize("media_type", ACCEPTED)
def test_a_file_is_stored_with_its_type(owner: User, folder: Path, media_type: str) -> None:
    content = ACCEPTED[media_type]
    row = store(owner, "../depths", BytesIO(content))
    assert (row.owner, row.name, row.media_type, row.size) == (owner, "depths", media_type, len(content))
    assert row.state == FileState.STORED
    assert contents(folder) == [content]
    assert parse_wire_id(row.wire_id) == row.pk


def test_the_storage_is_for_the_owner_of_the_process_alone(owner: User, folder: Path) -> None:
    previous = os.umask(0)
    try:
        row = kept(owner, name="../../../escaped.txt")
    finally:
        os.umask(previous)
    file = folder / row.storage_name
    assert row.storage_name == f"{row.pk.hex[-2:]}/{row.pk.hex}"  # no word of the client's
    modes = [path.stat().st_mode & 0o777 for path in (file, file.parent, folder)]
    assert modes == [0o600, 0o700, 0o700]


def test_without_a_storage_of_that_name_the_default_is_used(
    owner: User, settings: Settings, tmp_path: Path
) -> None:
    default = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {"default": default, "staticfiles": settings.STORAGES["staticfiles"]}
    assert (tmp_path / kept(owner).storage_name).read_bytes() == TEXT


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_content_of_no_known_type_is_refused(owner: User, folder: Path, content: bytes) -> None:
    assert refused(lambda: store(owner, "a", content, param="file")) == ("unsupported_file", "file")
    assert (File.objects.count(), contents(folder)) == (0, [])


@pytest.mark.parametrize(
    ("content", "declared"),
    [(SVG, "image/svg+xml"), (HTML, "image/png"), (PNG, "text/html"), (TEXT, "application/pdf")],
    ids=["SVG", "HTML", "PNG", "PDF"],
)
def test_content_of_another_type_than_declared_is_refused(owner: User, content: bytes, declared: str) -> None:
    assert refused(lambda: store(owner, "a", content, declared=declared))[0] == "unsupported_file"


def test_an_empty_file_is_refused(owner: User) -> None:
    assert refused(lambda: store(owner, "a", b"", param="file")) == ("empty_file", "file")


def test_a_file_may_have_exactly_the_configured_size(owner: User, settings: Settings) -> None:
    settings.TAILRACE_FILE_MIB = 1
    assert store(owner, "a", large(MIB)).size == MIB
    assert refused(lambda: store(owner, "a", large(MIB + 1), param="file")) == ("file_too_large", "file")


class Endless:
    """A body without an end."""

    taken = 0

    def read(self, size: int, /) -> bytes:
        self.taken += size
        return b"a" * size


def test_a_body_is_read_no_further_than_its_bound(owner: User, settings: Settings, folder: Path) -> None:
    settings.TAILRACE_FILE_MIB = 1
    body = Endless()
    assert refused(lambda: store(owner, "a", body))[0] == "file_too_large"
    assert body.taken < 1.1 * MIB
    assert (File.objects.count(), contents(folder)) == (0, [])


# once


def test_the_same_content_is_kept_once_for_each_owner(owner: User, stranger: User, folder: Path) -> None:
    first = kept(owner, name="a.txt")
    assert kept(owner, name="b.txt") == first
    assert kept(stranger) != first
    assert contents(folder) == [TEXT, TEXT]


def test_another_upload_of_the_same_content_counts_as_recent(owner: User) -> None:
    first = kept(owner)
    assert kept(owner).uploaded_at > first.uploaded_at


@pytest.mark.parametrize("state", [FileState.UPLOADING, FileState.DELETING])
def test_content_that_may_be_incomplete_is_stored_again(owner: User, state: FileState) -> None:
    first = kept(owner, state=state)
    again = kept(owner)
    assert (again.state, again != first) == (FileState.STORED, True)


@pytest.mark.django_db(transaction=True)
def test_of_parallel_uploads_of_the_same_content_one_stays(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, write = threading.Barrier(2), storage.write

    def write_together(name: str, content: Any) -> str:
        both.wait(deadline())
        return write(name, content)

    monkeypatch.setattr(storage, "write", write_together)

    def upload(_: int) -> File:
        try:
            return store(owner, "a", TEXT)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(upload, range(2))
    assert first == second
    assert sorted(File.objects.values_list("state", flat=True)) == [FileState.DELETING, FileState.STORED]


# limits


@pytest.fixture(params=["user", "guest"])
def limited(request: pytest.FixtureRequest, settings: Settings, owner: User) -> User:
    """An owner with two files or two MiB."""
    prefix = "TAILRACE_GUEST_MAX_FILES" if request.param == "guest" else "TAILRACE_MAX_FILES"
    setattr(settings, prefix, 2)
    setattr(settings, f"{prefix}_MIB", 2)
    return create_guest() if request.param == "guest" else owner


def test_the_number_of_files_is_limited(limited: User, stranger: User) -> None:
    for content in (PNG, GIF):
        kept(limited, content)
    assert refused(lambda: store(limited, "a", PDF, param=PATH)) == ("too_many_files", PATH)
    assert kept(limited, PNG)  # kept already
    File.objects.filter(media_type="image/gif").update(state=FileState.DELETING)
    assert kept(limited, PDF)
    assert kept(stranger, PDF)


def test_the_bytes_of_all_files_are_limited(limited: User) -> None:
    kept(limited, large(MIB))
    assert refused(lambda: store(limited, "a", large(MIB + 1), param=PATH)) == ("too_many_file_bytes", PATH)
    assert kept(limited, large(MIB, GIF))


def test_an_upload_that_still_runs_counts(limited: User) -> None:
    for content in (PNG, GIF):
        kept(limited, content, state=FileState.UPLOADING)
    assert refused(lambda: store(limited, "a", PDF))[0] == "too_many_files"


# interruptions


def test_the_row_is_committed_before_the_first_byte(
    owner: User, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def interrupted(name: str, content: Any) -> str:
        row = File.objects.get()
        assert (row.state, row.storage_name, contents(folder)) == (FileState.UPLOADING, name, [])
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store(owner, "a", TEXT)
    assert File.objects.get().state == FileState.DELETING


@pytest.mark.django_db(transaction=True)
def test_it_refuses_to_run_in_a_transaction(owner: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        store(owner, "a", TEXT)


def test_an_error_of_the_storage_is_one_error_and_the_upload_does_not_count(
    owner: User, folder: Path, settings: Settings
) -> None:
    settings.TAILRACE_MAX_FILES = 1
    folder.write_bytes(b"")  # no folder
    with pytest.raises(StorageError, match=r"^NotADirectoryError$"):
        store(owner, "a", TEXT)
    assert File.objects.get().state == FileState.DELETING
    folder.unlink()
    assert kept(owner).state == FileState.STORED


def test_a_user_who_is_deleted_meanwhile_has_no_file(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    write = storage.write

    def write_late(name: str, content: Any) -> str:
        written = write(name, content)
        User.objects.all().delete()
        return written

    monkeypatch.setattr(storage, "write", write_late)
    assert refused(lambda: store(owner, "a", TEXT))[0] == "unauthenticated"
    row = File.objects.get()
    assert (row.owner, row.state) == (None, FileState.DELETING)


def test_a_row_that_is_deleted_meanwhile_leaves_no_bytes(
    owner: User, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    write = storage.write

    def write_late(name: str, content: Any) -> str:
        written = write(name, content)
        File.objects.all().delete()
        return written

    monkeypatch.setattr(storage, "write", write_late)
    assert refused(lambda: store(owner, "a", TEXT))[0] == "busy"
    assert (File.objects.count(), contents(folder)) == (0, [])


# data URLs


def test_a_data_url_is_stored_and_named_by_its_id(owner: User, folder: Path) -> None:
    file_id = store_data_url(owner, encoded(PNG), PATH, name="two.png", image=True)
    row = File.objects.get()
    assert (file_id, row.name, row.media_type) == (row.wire_id, "two.png", "image/png")
    assert contents(folder) == [PNG]
    assert store_data_url(owner, encoded(TEXT, "text/plain;charset=utf-8"), PATH) != file_id
    assert store_data_url(owner, encoded(PNG, "IMAGE/PNG"), PATH) == file_id


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.png",
        "data:image/png,plain",
        "data:image/png;base64,####",
        "data:image/png;base64,iVBORw0KGgo",  # no padding
        "data:image/png;base64,iVBO Rw0K",
        "data:image/png;base64,ÿÿÿÿ",
        f"data:image/{'p' * 1_000_000};base64,AAAA",
        "file:///etc/passwd",
        "",
    ],
    ids=lambda url: url[:30],
)
def test_a_malformed_data_url_is_refused_with_its_path(owner: User, url: str) -> None:
    assert refused(lambda: store_data_url(owner, url, PATH)) == ("invalid_field", PATH)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (encoded(SVG, "image/svg+xml"), "unsupported_file"),
        (encoded(TEXT, "text/plain"), "unsupported_file"),
        (encoded(PDF, "application/pdf"), "unsupported_file"),
        (encoded(b""), "empty_file"),
    ],
    ids=["SVG", "text", "PDF", "nothing"],
)
def test_a_data_url_that_is_no_picture_is_refused_with_its_path(owner: User, url: str, code: str) -> None:
    assert refused(lambda: store_data_url(owner, url, PATH, image=True)) == (code, PATH)


def test_a_data_url_is_bounded_before_it_is_decoded(
    owner: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TAILRACE_FILE_MIB = 1
    assert store_data_url(owner, encoded(large(MIB)), PATH)
    assert refused(lambda: store_data_url(owner, encoded(large(MIB + 1)), PATH)) == ("file_too_large", PATH)
    monkeypatch.setattr(base64, "b64decode", None)
    assert refused(lambda: store_data_url(owner, encoded(large(MIB + 3)), PATH)) == ("file_too_large", PATH)


@pytest.mark.parametrize(
    "text", ["", "file-", "file-" + "g" * 32, "file-" + "0" * 31, "0" * 32, "file-" + "0" * 32 + "\n"]
)
def test_no_other_text_is_an_id(text: str) -> None:
    assert parse_wire_id(text) is None
