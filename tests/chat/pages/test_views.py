"""The pages: who may see them, and the data in them for their scripts."""

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from chat.accounts.guests import create_guest
from chat.conversations.listing import list_page
from chat.files.spool import MIB
from chat.ids import new_id, wire_id
from chat.models import Conversation, Status
from chat.protocol.commands import MAX_INPUT_CHARS
from chat.responses.model_catalog import DEMO, catalog
from tests.chat.rows import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]


def page_data(page: Any) -> dict[str, Any]:
    """The data in the page for its scripts."""
    match = re.search(r'<script id="page-data" type="application/json">(.*?)</script>', page.content.decode())
    assert match is not None
    data: dict[str, Any] = json.loads(match[1])
    return data


def visit(client: Client, owner: User, conversation: Conversation) -> Any:
    client.force_login(owner)
    return client.get(conversation.get_absolute_url())


@pytest.mark.parametrize("path", ["/", "/minimal/", "/conversations/conv_0123456789ab7def8123456789abcdef/"])
def test_a_visit_makes_no_guest_and_no_session(client: Client, settings: Settings, path: str) -> None:
    settings.TAILRACE_GUESTS = True
    for _ in range(5):
        client.get(path)
        client.head(path)
    assert (User.objects.count(), Session.objects.count()) == (0, 0)
    assert settings.SESSION_COOKIE_NAME not in client.cookies


def test_a_visitors_page_has_an_empty_list_and_no_socket(
    client: Client, settings: Settings, owner: User
) -> None:
    settings.TAILRACE_GUESTS = True
    stored(owner)
    page: Any = client.get("/")
    data = page_data(page)
    assert data["conversations"] == {"conversations": [], "more": None}
    assert (data["socket_path"], data["is_guest"]) == (None, False)
    assert b"data-owner" not in page.content
    assert client.get(stored(owner).conversation.get_absolute_url()).status_code == 404


def test_a_guests_page_belongs_to_the_guest(client: Client, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    guest = create_guest()
    client.force_login(guest)
    data = page_data(client.get("/"))
    assert (data["socket_path"], data["is_guest"]) == (f"/ws/responses/?owner={guest.pk}", True)


@pytest.mark.parametrize("path", ["/", "/minimal/", "/conversations/conv_0123456789ab7def8123456789abcdef/"])
def test_without_guests_visitors_sign_in(client: Client, settings: Settings, path: str) -> None:
    settings.TAILRACE_GUESTS = False
    page: Any = client.get(path)
    assert (page.status_code, page.url) == (302, f"/accounts/login/?next={path}")
    assert User.objects.count() == 0


def test_without_guests_a_user_sees_the_page(client: Client, settings: Settings, owner: User) -> None:
    settings.TAILRACE_GUESTS = False
    client.force_login(owner)
    assert client.get("/").status_code == 200


def model(name: str, **fields: Any) -> dict[str, Any]:
    unknown: dict[str, Any] = {"context": None, "max_output_tokens": None, "efforts": [], "temperature": True}
    return {"name": name, "images": False, "tools": False} | unknown | fields


def test_the_page_has_what_each_model_takes(
    client: Client, owner: User, settings: Settings, tmp_path: Path
) -> None:
    entry = 'name = "m"\nbase_url = "http://localhost/v1"\ncontext = 8_192\nimages = true\ntools = true'
    more = 'max_output_tokens = 100\nefforts = ["low", "high"]\nwithout = ["temperature"]'
    settings.TAILRACE_MODELS = str(tmp_path / "models.toml")
    Path(settings.TAILRACE_MODELS).write_text(f"[[models]]\n{entry}\n{more}\n")
    catalog.cache_clear()
    client.force_login(owner)
    assert page_data(client.get("/"))["models"][0] == {
        "name": "m",
        "images": True,
        "tools": True,
        "context": 8_192,
        "max_output_tokens": 100,
        "efforts": ["low", "high"],
        "temperature": False,
    }


def test_a_new_page_has_the_models_and_the_addresses(client: Client, owner: User, settings: Settings) -> None:
    settings.TAILRACE_MODELS, settings.TAILRACE_OPENAI_MODEL = "", "m"
    client.force_login(owner)
    data = page_data(client.get("/"))
    assert data == {
        "conversation": None,
        "summary": None,
        "conversations": {"conversations": [], "more": None},
        "responses": [],
        "models": [model("m", max_output_tokens=16_384), model(DEMO)],
        "preferences": {},
        "max_input_chars": MAX_INPUT_CHARS,
        "max_file_bytes": 10 * MIB,
        "deleted_days": 30,
        "page_path": "/",
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "socket_path": f"/ws/responses/?owner={owner.pk}",
        "guest_path": reverse("guest"),
        "is_guest": False,
        "former_guest": None,
        "conversation_path": "/conversations/{id}/",
        "file_path": "/files/{id}/",
        "preferences_path": reverse("preferences"),
    }
    id_ = "conv_0123456789ab7def8123456789abcdef"
    assert data["conversation_path"].replace("{id}", id_) == reverse("conversation", args=[id_])


def test_a_conversation_shows_every_turn_the_oldest_first(client: Client, owner: User) -> None:
    older, newer = sorted([new_id(), new_id()])
    root = stored(owner, "one", id=older, output="1", reasoning="hm", status=Status.COMPLETED)
    leaf = stored(
        owner,
        "</script><b>two</b>",
        id=newer,
        previous=root,
        conversation=root.conversation,
        status=Status.FAILED,
        error_code="worker_lost",
    )
    data = page_data(visit(client, owner, root.conversation))
    assert data["conversation"] == wire_id("conv", root.conversation_id)
    first, second = data["responses"]
    assert first == {
        "id": root.wire_id,
        "added": False,
        "previous_response_id": None,
        "input": "one",
        "attachments": [],
        "output": root.items,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": DEMO,
        "usage": None,
        "omitted_turns": 0,
        "settings": {"instructions": "", "temperature": None, "max_output_tokens": None, "effort": None},
        "losses": 0,
        "created_at": root.queued_at.timestamp(),
        "age": None,
        "started_at": None,
        "first_token_at": None,
        "ended_at": None,
        "continues": False,
    }
    assert (second["id"], second["previous_response_id"]) == (leaf.wire_id, root.wire_id)
    assert second["input"] == "</script><b>two</b>"
    assert second["error"]["code"] == "worker_lost"


def test_a_page_has_the_list_and_the_title(client: Client, owner: User) -> None:
    root = stored(owner, conversation=Conversation.objects.create(owner=owner, title="Depths"))
    data = page_data(visit(client, owner, root.conversation))
    assert data["summary"]["title"] == "Depths"
    assert data["conversations"] == list_page(owner.pk)
    assert [line["id"] for line in data["conversations"]["conversations"]] == [
        wire_id("conv", root.conversation_id)
    ]


@pytest.mark.parametrize("path", ["/", "conversation"])
def test_a_page_sets_the_csrf_token_that_changes_need(
    client: Client, owner: User, settings: Settings, path: str
) -> None:
    path = stored(owner).conversation.get_absolute_url() if path == "conversation" else path
    client.force_login(owner)
    client.get(path)
    assert client.cookies[settings.CSRF_COOKIE_NAME].value


def test_a_deleted_conversation_is_not_found(client: Client, owner: User) -> None:
    row = Conversation.objects.create(owner=owner, deleted_at=timezone.now())
    assert visit(client, owner, row).status_code == 404


def test_someone_elses_conversation_is_not_found(client: Client, owner: User, stranger: User) -> None:
    assert visit(client, stranger, stored(owner).conversation).status_code == 404
    assert visit(client, owner, stored(owner).conversation).status_code == 200


def test_a_missing_conversation_looks_the_same_as_someone_elses(
    client: Client, owner: User, stranger: User
) -> None:
    nowhere = Conversation(owner=stranger)
    theirs = stored(owner).conversation
    pages = [visit(client, stranger, conversation).content for conversation in (nowhere, theirs)]
    assert pages[0] == pages[1]


@pytest.mark.django_db(transaction=True)
async def test_a_missing_page_keeps_no_connection_of_the_database(owner: User) -> None:
    browser = AsyncClient()
    await browser.aforce_login(owner)
    opened: list[BaseDatabaseWrapper] = []

    def note(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if threading.current_thread().name.startswith("asyncio"):  # others are closed after the request
            opened.append(connection)

    connection_created.connect(note)
    try:
        assert f'data-owner="{owner.pk}"' in (await browser.get("/nowhere/")).content.decode()
    finally:
        connection_created.disconnect(note)
    assert [connection.connection for connection in opened] == [None]


def test_the_minimal_page_loads(client: Client, owner: User) -> None:
    client.force_login(owner)
    page = client.get("/minimal/")
    assert page.status_code == 200
    assert b"chat/minimal.js" in page.content


@pytest.mark.parametrize("path", ["/", "/minimal/"])
def test_pages_are_only_read(client: Client, owner: User, path: str) -> None:
    client.force_login(owner)
    answer: HttpResponse = client.post(path)  # type: ignore[assignment]  # not the test client's own
    assert answer.status_code == 405


def test_a_conversation_is_not_kept_by_the_browser(client: Client, owner: User) -> None:
    page = visit(client, owner, stored(owner).conversation)
    assert "no-store" in page.headers["Cache-Control"]


def test_neither_the_page_nor_its_json_escapes_texts(client: Client, owner: User) -> None:
    row = stored(owner, "水🌊 </script>")
    page = visit(client, owner, row.conversation)
    assert page_data(page)["responses"][0]["input"] == "水🌊 </script>"
    fetched = client.get(f"{row.conversation.get_absolute_url()}responses/")
    for reply in (page, fetched):
        assert "水🌊" in reply.content.decode()
