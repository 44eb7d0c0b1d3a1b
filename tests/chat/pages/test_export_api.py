"""Exports: one conversation as Markdown or JSON, everything as a ZIP; the owner's, bounded in memory."""

import json
import random
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient
from django.utils import timezone

from chat.files import storage
from chat.models import Conversation, Response, Status
from chat.pages.archive import archive
from chat.pages.transcript import file_name
from tests.chat.contents import PNG, TEXT
from tests.chat.rows import on_rows, stored
from tests.chat.stored_files import kept

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("static_root", "folder")]


@pytest.fixture
async def browser(owner: User) -> AsyncClient:
    """The owner's browser."""
    browser = AsyncClient()
    await browser.aforce_login(owner)
    return browser


async def body(reply: Any) -> bytes:
    return b"".join([piece async for piece in reply.streaming_content])


def tree(owner: User) -> Conversation:
    """Two versions of an answer, and a turn that follows the second."""
    conversation = Conversation.objects.create(owner=owner, title="Depths")
    about: dict[str, Any] = {"conversation": conversation, "status": Status.COMPLETED}
    root = stored(owner, "How deep?", output="Two metres.", reasoning="Let me see.", **about)
    stored(owner, "How wide?", output="Old width.", previous=root, **about)
    last = stored(owner, "How wide?", output="Three metres.", previous=root, **about)
    usage = {"output_tokens": 3}
    stored(
        owner, "Why?", output="Rai", previous=last, **(about | {"status": Status.CANCELLED, "usage": usage})
    )
    return conversation


async def test_markdown_has_the_path_of_the_newest_versions(browser: AsyncClient, owner: User) -> None:
    conversation = await on_rows(tree, owner)
    reply = await browser.get(f"{conversation.get_absolute_url()}export.md")
    text = (await body(reply)).decode()
    assert reply.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="Depths.md"'
    assert text.startswith("# Depths\n\n## Question, ")
    places = [
        text.index(each) for each in ("How deep?", "Let me see.", "Two metres.", "Three metres.", "Rai")
    ]
    assert places == sorted(places)
    assert "<details><summary>Reasoning</summary>" in text
    assert "## Answer of demo-count" in text
    assert text.endswith("Rai\n\n*Stopped*\n")
    assert "Old width." not in text


async def test_json_has_all_versions_with_ids_items_usage_and_files(
    browser: AsyncClient, owner: User
) -> None:
    conversation = await on_rows(tree, owner)
    file = await on_rows(kept, owner)
    part = {"type": "input_file", "file_id": file.wire_id, "filename": file.name}
    question = [{"type": "message", "role": "user", "content": [part]}]
    await on_rows(Response.objects.filter(output="Rai").update, input=question)
    found = json.loads(await body(await browser.get(f"{conversation.get_absolute_url()}export.json")))
    assert (found["id"], found["title"]) == (conversation.wire_id, "Depths")
    rows = found["responses"]
    assert len(rows) == 4
    assert len({row["id"] for row in rows}) == 4
    assert rows[0]["output"][-1]["content"][0]["text"] == "Two metres."
    assert (rows[3]["status"], rows[3]["usage"]) == ("cancelled", {"output_tokens": 3})
    assert rows[3]["previous_response_id"] == rows[2]["id"]
    assert rows[3]["input"] == question
    assert rows[3]["files"][0]["filename"] == "depths.txt"
    assert rows[3]["queued_at"] > 0


async def test_a_conversation_without_turns_is_valid_json(browser: AsyncClient, owner: User) -> None:
    row = await on_rows(Conversation.objects.create, owner=owner)
    found = json.loads(await body(await browser.get(f"{row.get_absolute_url()}export.json")))
    assert found["responses"] == []


@pytest.mark.parametrize("whose", ["deleted", "another user's"])
async def test_only_own_undeleted_conversations_are_exported(
    browser: AsyncClient, owner: User, stranger: User, whose: str
) -> None:
    row = await on_rows(tree, stranger if whose != "deleted" else owner)
    if whose == "deleted":
        await on_rows(Conversation.objects.update, deleted_at=timezone.now())
    for form in ("md", "json"):
        assert (await browser.get(f"{row.get_absolute_url()}export.{form}")).status_code == 404
    everything = await body(await browser.get("/export.zip"))
    assert zipfile.ZipFile(BytesIO(everything)).namelist() == []


async def test_a_visitor_without_a_session_and_another_form_get_nothing(
    browser: AsyncClient, owner: User
) -> None:
    row = await on_rows(tree, owner)
    for path in ("/export.zip", f"{row.get_absolute_url()}export.md"):
        assert (await AsyncClient().get(path)).status_code == 401
    assert (await browser.get(f"{row.get_absolute_url()}export.html")).status_code == 404


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "-..-etc-passwd"),
        ('a"; filename="b.exe', "a-; filename=-b.exe"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie- x"),
        ("\u202egnp.exe", "gnp.exe"),
        ("...", "conversation"),
        ("", "conversation"),
        ("水" * 80, "水" * 60),
    ],
)
async def test_a_hostile_title_makes_a_harmless_file_name(
    browser: AsyncClient, owner: User, title: str, name: str
) -> None:
    assert file_name(title) == name
    row = await on_rows(Conversation.objects.create, owner=owner, title=title)
    reply = await browser.get(f"{row.get_absolute_url()}export.md")
    header = reply.headers["Content-Disposition"]
    assert header.startswith("attachment; filename")
    assert not set("\r\n/\\") & set(header.replace("filename*=utf-8''", ""))


async def test_everything_is_a_zip_with_a_folder_for_each_conversation_and_the_files(
    browser: AsyncClient, owner: User, stranger: User
) -> None:
    first, second = await on_rows(tree, owner), await on_rows(tree, owner)
    await on_rows(tree, stranger)
    text, picture = await on_rows(kept, owner), await on_rows(kept, owner, PNG, "a.png")
    lost = await on_rows(kept, owner, b"lost", "lost.txt")
    await on_rows(storage.delete, lost.storage_name)
    reply = await browser.get("/export.zip")
    assert reply.headers["Content-Type"] == "application/zip"
    packed = zipfile.ZipFile(BytesIO(await body(reply)))
    assert packed.testzip() is None
    names = packed.namelist()
    assert len(names) == len(set(names)) == 6
    assert all(Path(name).parts[0] not in ("/", "..") for name in names)
    assert packed.read(f"files/{text.wire_id} depths.txt") == TEXT
    assert packed.read(f"files/{picture.wire_id} a.png") == PNG
    found = [json.loads(packed.read(name))["id"] for name in names if name.endswith(".json")]
    assert found == [first.wire_id, second.wire_id]
    assert b"Three metres." in packed.read(next(name for name in names if name.endswith(".md")))


@pytest.mark.slow
def test_an_archive_of_many_conversations_is_made_in_pieces_of_bounded_size(owner: User) -> None:
    chars = "".join(map(chr, range(32, 1000)))
    for _ in range(60):
        text = "".join(random.choices(chars, k=100_000))
        stored(owner, output=text, status=Status.COMPLETED)
    tracemalloc.start()
    sizes = [len(piece) for piece in archive(owner.pk)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) > 10_000_000
    assert max(sizes) < 1_000_000
    assert peak < 8_000_000
