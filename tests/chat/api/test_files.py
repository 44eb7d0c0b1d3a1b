"""Files of a program: bounded, typed uploads of a form; lists in pages; only the owner's."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.file_models import File, FileState
from chat.files import storage
from chat.files.claiming import claim
from chat.files.spool import FORM_BYTES, MIB
from chat.protocol.input_items import FilePart
from chat.responses.model_catalog import DEMO
from tests.chat.api.client import Program, Reply
from tests.chat.contents import GIF, HTML, PDF, PNG, TEXT
from tests.chat.rows import on_rows, stored
from tests.chat.stored_files import contents, kept

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]

BOUNDARY = "a-boundary"
FORM = {"content_type": f"multipart/form-data; boundary={BOUNDARY}"}
MISSING = (404, "file_not_found", "file_id")


def form(content: bytes | None, name: str = "depths.png", kind: str = "image/png", **fields: str) -> bytes:
    """The body of a form, as the SDKs send it."""
    parts = [
        f'Content-Disposition: form-data; name="{field}"\r\n\r\n{value}'.encode()
        for field, value in fields.items()
    ]
    if content is not None:
        head = (
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        )
        parts.append(head.encode() + content)
    mark = f"--{BOUNDARY}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


async def upload(program: Program, content: bytes = PNG, purpose: str = "user_data", **more: str) -> Reply:
    return await program.ask("POST", "files", form(content, purpose=purpose, **more), **FORM)


async def ids(program: Program, query: str = "") -> tuple[list[str], bool]:
    """The ids of a page of the list, and whether there are more."""
    page = (await program.ask("GET", f"files{query}")).json()
    assert (page["object"], page["first_id"]) == ("list", page["data"][0]["id"] if page["data"] else None)
    return [row["id"] for row in page["data"]], page["has_more"]


async def test_an_upload_is_openais_file_object_and_its_content_is_read(
    program: Program, folder: Path, owner: User
) -> None:
    reply = await upload(program, purpose="vision")
    row = await on_rows(File.objects.get)
    assert (reply.status, row.owner_id, row.purpose) == (200, owner.pk, "vision")
    assert reply.json() == {
        "id": row.wire_id,
        "object": "file",
        "bytes": len(PNG),
        "filename": "depths.png",
        "created_at": int(row.created_at.timestamp()),
        "purpose": "vision",
        "status": "processed",
    }
    assert (await program.ask("GET", f"files/{row.wire_id}")).json() == reply.json()
    content = await program.ask("GET", f"files/{row.wire_id}/content")
    assert (content.status, content.body, content.headers["content-type"]) == (200, PNG, "image/png")
    assert content.headers["content-disposition"] == 'attachment; filename="depths.png"'
    assert content.headers["x-content-type-options"] == "nosniff"
    assert contents(folder) == [PNG]


async def test_a_file_of_the_page_is_kept_once_a_program_uploads_it_too(
    program: Program, owner: User
) -> None:
    row = await on_rows(kept, owner, PNG)
    assert row.purpose == ""
    assert (await upload(program)).json()["id"] == row.wire_id
    assert (await on_rows(File.objects.get)).purpose == "user_data"
    assert (await upload(program, purpose="vision")).json()["purpose"] == "user_data"
    assert (await on_rows(File.objects.get)).purpose == "user_data"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (form(PNG), (400, "missing_required_parameter", "purpose")),
        (form(PNG, purpose="x"), (400, "invalid_value", "purpose")),
        (form(PNG, purpose="batch"), (400, "unsupported_parameter", "purpose")),
        (form(PNG, purpose="vision", more="1"), (400, "unknown_parameter", "more")),
        (
            form(PNG, purpose="vision", **{"expires_after[anchor]": "created_at"}),
            (400, "unsupported_parameter", "expires_after"),
        ),
        (form(None, purpose="vision"), (400, "missing_required_parameter", "file")),
        (form(b"", purpose="vision"), (400, "empty_file", "file")),
        (form(HTML, kind="image/png", purpose="vision"), (415, "unsupported_file", "file")),
        (form(PNG, purpose="vision")[:-20], (400, "missing_required_parameter", "file")),
        (b"{}", (400, "missing_required_parameter", "file")),
        (b"", (400, "missing_required_parameter", "file")),
    ],
)
async def test_a_wrong_form_is_refused_by_name_and_nothing_is_kept(
    program: Program, folder: Path, body: bytes, refusal: Any
) -> None:
    reply = await program.ask("POST", "files", body, **FORM)
    assert reply.error == refusal
    assert contents(folder) == []
    assert not await on_rows(File.objects.exists)


async def test_another_type_of_body_is_refused(program: Program) -> None:
    reply = await program.ask("POST", "files", {"purpose": "vision"})
    assert reply.error == (400, "invalid_value", "file")


async def test_a_file_may_be_as_large_as_on_the_page(program: Program, settings: Settings) -> None:
    settings.TAILRACE_FILE_MIB, settings.TAILRACE_API_BODY_BYTES = 1, 100
    assert (await upload(program, b"a" * MIB, kind="text/plain")).status == 200
    large = await upload(program, b"a" * (MIB + 1), kind="text/plain")
    assert large.error == (413, "file_too_large", "file")
    larger = await upload(program, b"a" * (MIB + FORM_BYTES), kind="text/plain")
    assert larger.error == (413, "request_too_large", None)


async def test_the_quota_of_the_page_holds(program: Program, settings: Settings) -> None:
    settings.TAILRACE_MAX_FILES = 1
    await upload(program)
    assert (await upload(program)).status == 200  # the same
    assert (await upload(program, GIF)).error[1:] == ("too_many_files", "file")


async def test_the_list_has_pages_in_both_orders(program: Program, owner: User) -> None:
    rows = [await on_rows(kept, owner, content) for content in (TEXT, PNG, GIF)]
    await on_rows(File.objects.filter(pk=rows[2].pk).update, purpose="vision")
    first, second, third = (row.wire_id for row in rows)
    assert await ids(program) == ([third, second, first], False)
    assert await ids(program, "?limit=2") == ([third, second], True)
    assert await ids(program, f"?limit=2&after={second}") == ([first], False)
    assert await ids(program, f"?order=asc&after={first}") == ([second, third], False)
    assert await ids(program, "?purpose=vision") == ([third], False)
    assert await ids(program, "?purpose=user_data") == ([second, first], False)
    assert await ids(program, "?purpose=assistants&limit=10000") == ([], False)


@pytest.mark.parametrize(
    ("query", "name"),
    [("limit=10001", "limit"), ("order=up", "order"), ("after=file-1", "after"), ("page=2", "page")],
)
async def test_a_wrong_query_is_refused_by_name(program: Program, query: str, name: str) -> None:
    assert (await program.ask("GET", f"files?{query}")).error[2] == name


async def test_a_file_is_deleted_with_its_bytes(program: Program, folder: Path) -> None:
    name = (await upload(program)).json()["id"]
    reply = await program.ask("DELETE", f"files/{name}")
    assert reply.json() == {"id": name, "object": "file", "deleted": True}
    assert contents(folder) == []
    assert (await program.ask("GET", f"files/{name}")).error == MISSING


async def test_a_file_in_use_is_kept_and_no_sdk_repeats_the_request(program: Program, owner: User) -> None:
    row = await on_rows(kept, owner, PNG)
    response = await on_rows(stored, owner, status="completed")
    await on_rows(claim, owner, response, [FilePart("input", row.wire_id)])
    reply = await program.ask("DELETE", f"files/{row.wire_id}")
    assert reply.error == (409, "file_in_use", "file_id")
    assert reply.headers["x-should-retry"] == "false"


async def test_a_file_of_another_user_does_not_exist(program: Program, django_user_model: Any) -> None:
    other = await on_rows(django_user_model.objects.create_user, "other")
    theirs = (await on_rows(kept, other, PDF)).wire_id
    for method, path in [("GET", ""), ("GET", "/content"), ("DELETE", "")]:
        for name in (theirs, "file-1", "file-" + "0" * 32):
            assert (await program.ask(method, f"files/{name}{path}")).error == MISSING
    assert await ids(program) == ([], False)
    assert (await program.ask("GET", f"files?after={theirs}")).error == (400, "invalid_value", "after")


async def test_an_upload_that_runs_is_not_listed(program: Program, owner: User) -> None:
    row = await on_rows(kept, owner, PNG)
    await on_rows(File.objects.update, state=FileState.UPLOADING)
    assert await ids(program) == ([], False)
    assert (await program.ask("GET", f"files/{row.wire_id}")).error == MISSING


async def test_without_the_storage_a_program_is_asked_to_come_again(
    program: Program, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await on_rows(kept, owner, PNG)

    def unavailable(name: str, *_: Any) -> Any:
        raise storage.StorageError

    monkeypatch.setattr(storage, "read", unavailable)
    monkeypatch.setattr(storage, "write", unavailable)
    assert (await program.ask("GET", f"files/{row.wire_id}/content")).error == (503, "busy", None)
    assert (await upload(program, GIF, kind="image/gif")).error == (503, "busy", None)


async def test_a_question_names_a_file_by_its_id(program: Program) -> None:
    name = (await upload(program, purpose="vision")).json()["id"]

    def asking(file_id: str) -> dict[str, Any]:
        part = {"type": "input_image", "file_id": file_id}
        return {"model": DEMO, "input": [{"role": "user", "content": [part]}], "background": True}

    wrong = await program.ask("POST", "responses", asking("file-" + "0" * 32))
    assert wrong.error == (404, "file_not_found", "input[0].content[0].file_id")
    reply = await program.ask("POST", "responses", asking(name))
    items = await program.ask("GET", f"responses/{reply.json()['id']}/input_items")
    assert items.json()["data"][0]["content"][0]["file_id"] == name, json.dumps(reply.json())
    assert (await program.ask("DELETE", f"files/{name}")).error[1] == "file_in_use"
