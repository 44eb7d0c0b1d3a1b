"""Files over HTTP: bounded, typed uploads; downloads by the owner alone, of which a browser runs nothing."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from pytest_django import Settings

from chat.accounts.guests import create_guest
from chat.file_models import File, FileState, FileUse
from chat.files import storage
from chat.files.spool import MIB
from tests.chat.contents import ACCEPTED, HTML, PDF, PNG, POLYGLOTS, REFUSED, SVG, TEXT, large
from tests.chat.rows import stored
from tests.chat.stored_files import contents, kept

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root", "folder")]

CANARY = b"canary-of-a-file"


@pytest.fixture
def browser(owner: User) -> Client:
    """The owner's browser."""
    browser = Client()
    browser.force_login(owner)
    return browser


def post(browser: Client, content: bytes, name: str = "depths.png", media_type: str = "image/png") -> Any:
    """Upload by a form."""
    return browser.post("/files/", {"file": SimpleUploadedFile(name, content, media_type)})


def put(browser: Client, content: bytes, media_type: str = "", query: str = "") -> Any:
    """Upload a body as it is."""
    return browser.post(f"/files/{query}", content, media_type or "application/octet-stream")


def refusal(reply: Any) -> tuple[int, str, str | None]:
    frame = json.loads(reply.content)
    assert (frame["type"], frame["status"]) == ("error", reply.status_code)
    return frame["status"], frame["error"]["code"], frame["error"]["param"]


def get(browser: Client, file_id: str, **headers: str) -> Any:
    return browser.get(f"/files/{file_id}/", headers=headers)


# uploads


def test_an_upload_returns_openais_file_object(browser: Client, owner: User, folder: Path) -> None:
    reply = post(browser, PNG)
    row = File.objects.get()
    assert (reply.status_code, row.owner) == (201, owner)
    assert re.fullmatch("file-[0-9a-f]{32}", reply.json()["id"])
    assert reply.json() == {
        "id": f"file-{row.pk.hex}",
        "object": "file",
        "bytes": len(PNG),
        "filename": "depths.png",
        "created_at": int(row.created_at.timestamp()),
        "purpose": "user_data",
        "status": "processed",
    }
    assert contents(folder) == [PNG]


def test_a_body_is_uploaded_as_it_is_with_a_name_in_the_query(browser: Client) -> None:
    reply = put(browser, TEXT, "text/plain; charset=utf-8", "?filename=Tiefe%20%E2%89%88.txt")
    assert (reply.status_code, reply.json()["filename"]) == (201, "Tiefe ≈.txt")
    assert put(browser, PDF).json()["filename"] == "file"


def test_the_same_file_has_one_id(browser: Client, folder: Path) -> None:
    ids = {post(browser, PNG).json()["id"], put(browser, PNG, "image/png").json()["id"]}
    assert (len(ids), len(contents(folder))) == (1, 1)


def test_a_guest_may_upload(folder: Path) -> None:
    browser = Client()
    browser.force_login(create_guest())
    assert post(browser, PNG).status_code == 201


def test_without_a_session_an_upload_is_refused(client: Client, folder: Path) -> None:
    assert refusal(post(client, PNG)) == (401, "unauthenticated", None)
    assert refusal(put(client, PNG)) == (401, "unauthenticated", None)
    assert contents(folder) == []


@pytest.mark.parametrize("upload", [post, put])
def test_an_upload_needs_the_csrf_token_of_a_page(owner: User, upload: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert upload(strict, PNG).status_code == 403
    strict.get("/")
    strict.defaults["HTTP_X_CSRFTOKEN"] = "x" * 32
    assert upload(strict, PNG).status_code == 403
    assert File.objects.count() == 0
    strict.defaults["HTTP_X_CSRFTOKEN"] = strict.cookies[django_settings.CSRF_COOKIE_NAME].value
    assert upload(strict, PNG).status_code == 201


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_another_method_is_not_allowed(browser: Client, method: str) -> None:
    assert getattr(browser, method)("/files/").status_code == 405


@pytest.mark.parametrize("upload", [post, put])
def test_a_file_beyond_its_size_is_refused_while_it_is_read(
    browser: Client, settings: Settings, folder: Path, upload: Any
) -> None:
    settings.TAILRACE_FILE_MIB = 1
    assert upload(browser, large(MIB)).status_code == 201
    assert refusal(upload(browser, large(MIB + 1))) == (413, "file_too_large", "file")
    assert refusal(upload(browser, large(3 * MIB))) == (413, "file_too_large", "file")
    assert [len(content) for content in contents(folder)] == [MIB]


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_content_of_no_known_type_is_refused(browser: Client, content: bytes) -> None:
    assert refusal(put(browser, content)) == (415, "unsupported_file", "file")


@pytest.mark.parametrize("content", [SVG, HTML, TEXT, PDF], ids=["SVG", "HTML", "text", "PDF"])
def test_content_that_is_not_of_its_declared_type_is_refused(browser: Client, content: bytes) -> None:
    assert refusal(post(browser, content)) == (415, "unsupported_file", "file")


def test_an_empty_file_is_refused(browser: Client) -> None:
    assert refusal(post(browser, b"")) == (400, "empty_file", "file")
    assert refusal(put(browser, b"")) == (400, "empty_file", "file")


def test_a_user_with_too_many_files_is_refused(browser: Client, settings: Settings) -> None:
    settings.TAILRACE_MAX_FILES = 1
    assert post(browser, PNG).status_code == 201
    assert refusal(put(browser, PDF)) == (429, "too_many_files", "file")
    settings.TAILRACE_MAX_FILES, settings.TAILRACE_MAX_FILES_MIB = 2, 0
    assert refusal(put(browser, PDF)) == (429, "too_many_file_bytes", "file")


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ({}, ("missing_field", "file")),
        ({"file": "no file"}, ("missing_field", "file")),
        ({"other": SimpleUploadedFile("a", PNG)}, ("invalid_field", "other")),
        ({"file": [SimpleUploadedFile("a", PNG)] * 2}, ("invalid_field", "file")),
    ],
    ids=["nothing", "a text", "another field", "two files"],
)
def test_a_form_has_one_file(browser: Client, form: Any, found: tuple[str, str]) -> None:
    assert refusal(browser.post("/files/", form)) == (400, *found)
    assert File.objects.count() == 0


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=é"])
def test_a_malformed_form_is_refused(browser: Client, kind: str) -> None:
    assert refusal(browser.post("/files/", b"--x", kind)) == (400, "invalid_field", "file")


def test_a_form_that_django_reads_whole_is_refused_unread(browser: Client) -> None:
    kind = "application/x-www-form-urlencoded"
    assert refusal(browser.post("/files/", b"a" * 5 * MIB, kind)) == (415, "unsupported_file", "file")


def test_an_outage_of_the_storage_is_busy(browser: Client, folder: Path) -> None:
    folder.write_bytes(b"")
    assert refusal(post(browser, PNG)) == (503, "busy", None)


@pytest.mark.parametrize(
    "name",
    [
        "../../../escaped.txt",
        "..\\..\\escaped.txt",
        'a\\"; filename=\\"b',
        "a%0d%0aX-Evil: 1",
        "..",
        "a/",
        "",
    ],
)
def test_a_hostile_name_escapes_from_nothing(browser: Client, folder: Path, name: str) -> None:
    form = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    replies: list[Any] = [
        browser.post("/files/", form + TEXT + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        browser.post(f"/files/?filename={name}", TEXT, "text/plain"),
        browser.post("/files/?filename=a%0d%0aX-Evil:%201%22%2e%00%e2%80%ae.txt", TEXT, "text/plain"),
    ]
    assert [reply.status_code for reply in replies[1:]] == [201, 201]
    for reply in replies:
        if reply.status_code != 201:  # the form names no file
            assert refusal(reply) == (400, "missing_field", "file")
            continue
        assert not set(reply.json()["filename"]) & set("/\\\r\n\x00\u202e")
        assert "X-Evil" not in get(browser, reply.json()["id"]).headers
    (path,) = [path for path in folder.parent.rglob("*") if path.is_file()]
    assert path.is_relative_to(folder)


# downloads


@pytest.mark.parametrize("media_type", ACCEPTED)
def test_pictures_are_shown_and_all_else_is_saved(browser: Client, owner: User, media_type: str) -> None:
    content = ACCEPTED[media_type]
    reply = get(browser, kept(owner, content, "depths").wire_id)
    assert (reply.status_code, reply.content) == (200, content)
    shown = media_type.startswith("image/")
    assert reply.headers["Content-Disposition"] == f'{"inline" if shown else "attachment"}; filename="depths"'
    assert reply.headers["Content-Type"].partition(";")[0] == media_type


@pytest.mark.parametrize("content", [SVG, HTML, *POLYGLOTS.values()], ids=["SVG", "HTML", *POLYGLOTS])
def test_a_browser_runs_nothing_of_a_file(
    browser: Client, owner: User, settings: Settings, content: bytes
) -> None:
    settings.SECURE_CONTENT_TYPE_NOSNIFF = False  # as a project may have it
    reply = get(browser, kept(owner, content, "page.html").wire_id)
    assert reply.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    kind = reply.headers["Content-Type"]
    assert kind.partition(";")[0] in ACCEPTED
    assert kind.startswith("image/") or reply.headers["Content-Disposition"].startswith("attachment")


def test_a_name_of_any_language_is_sent(browser: Client, owner: User) -> None:
    reply = get(browser, kept(owner, TEXT, "Tiefe ≈.txt").wire_id)
    assert reply.headers["Content-Disposition"] == "attachment; filename*=utf-8''Tiefe%20%E2%89%88.txt"


def test_a_file_is_cached_by_its_owner_alone_and_asked_for_again(browser: Client, owner: User) -> None:
    row = kept(owner, TEXT * 100)
    first = get(browser, row.wire_id, accept_encoding="gzip")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.content == TEXT * 100  # not compressed
    again = get(browser, row.wire_id, if_none_match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    browser.logout()
    assert get(browser, row.wire_id, if_none_match=first.headers["ETag"]).status_code == 401


def test_a_file_that_was_not_changed_is_not_read(
    browser: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = kept(owner)
    monkeypatch.setattr(storage, "read", None)
    assert get(browser, row.wire_id, if_none_match=f'"{row.sha256}"').status_code == 304


def test_another_users_file_is_not_found(browser: Client, stranger: User) -> None:
    row = kept(stranger)
    assert refusal(get(browser, row.wire_id)) == (404, "file_not_found", None)
    assert refusal(get(browser, row.wire_id, if_none_match=f'"{row.sha256}"')) == (
        404,
        "file_not_found",
        None,
    )
    stranger.delete()
    assert refusal(get(browser, row.wire_id)) == (404, "file_not_found", None)


@pytest.mark.parametrize("file_id", ["x", "file-" + "0" * 32, "file-" + "0" * 1_000, "%2e%2e", "file-%00"])
def test_an_unknown_file_is_not_found(browser: Client, file_id: str) -> None:
    assert refusal(get(browser, file_id)) == (404, "file_not_found", None)


def test_without_a_session_no_file_is_found(client: Client, owner: User) -> None:
    row = kept(owner)
    owner.delete()  # its row has no owner
    assert refusal(get(client, row.wire_id)) == (401, "unauthenticated", None)


# deletion


def delete(browser: Client, file_id: str) -> Any:
    return browser.delete(f"/files/{file_id}/")


def test_an_own_file_is_deleted_with_its_bytes(browser: Client, owner: User, folder: Path) -> None:
    row = kept(owner)
    reply = delete(browser, row.wire_id)
    assert reply.json() == {"id": row.wire_id, "object": "file", "deleted": True}
    assert (File.objects.count(), contents(folder)) == (0, [])
    assert refusal(delete(browser, row.wire_id)) == (404, "file_not_found", None)


def test_a_file_in_a_question_is_not_deleted(browser: Client, owner: User, folder: Path) -> None:
    row = kept(owner)
    FileUse.objects.create(file=row, response=stored(owner))
    assert refusal(delete(browser, row.wire_id)) == (409, "file_in_use", None)
    assert contents(folder) == [TEXT]


def test_only_the_owner_deletes_a_file(browser: Client, stranger: User, folder: Path) -> None:
    row = kept(stranger)
    assert refusal(delete(browser, row.wire_id)) == (404, "file_not_found", None)
    assert refusal(delete(Client(), row.wire_id)) == (401, "unauthenticated", None)
    assert contents(folder) == [TEXT]


def test_a_deletion_needs_the_csrf_token_of_a_page(owner: User, folder: Path) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert delete(strict, kept(owner).wire_id).status_code == 403
    assert contents(folder) == [TEXT]


def test_bytes_that_cannot_be_deleted_are_left_to_the_next_tidy(
    browser: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = kept(owner)

    def fail(_: str) -> None:
        raise storage.StorageError

    monkeypatch.setattr(storage, "delete", fail)
    assert delete(browser, row.wire_id).status_code == 200
    assert File.objects.get().state == FileState.DELETING
    assert get(browser, row.wire_id).status_code == 404


# the bytes


def test_the_bytes_are_in_the_storage_alone(
    browser: Client, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = PNG + CANARY * 1_000
    with caplog.at_level(logging.DEBUG):
        reply = put(browser, content, "image/png")
        assert get(browser, reply.json()["id"]).content == content
        assert put(browser, content + b"a", "text/plain").status_code == 415
        assert post(browser, content + b"b", media_type="text/plain").status_code == 415
    assert contents(folder) == [content]
    assert CANARY.decode() not in caplog.text
    values = _all_values()
    assert any(reply.json()["id"].removeprefix("file-")[:8].encode() in value for value in values)
    assert [value for value in values if CANARY in value] == []


def _all_values() -> list[bytes]:
    with connection.cursor() as cursor:
        found: list[bytes] = []
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table of ours
            found += [repr(row).encode() for row in cursor.fetchall()]
    return found
