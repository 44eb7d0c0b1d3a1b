"""A link's page, turns and files: for everybody who has it, until it ends."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat.models import Response, Status
from chat.share_models import Share, new_token
from chat.sharing.links import revoke
from tests.chat.contents import PNG
from tests.chat.pages.test_views import page_data
from tests.chat.rows import stored
from tests.chat.sharing.test_turns import with_file
from tests.chat.sharing_links import shared
from tests.chat.stored_files import kept

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]

CANARY = "canary"


@pytest.fixture
def row(owner: User) -> Response:
    User.objects.filter(pk=owner.pk).update(username=CANARY)
    fields = {"instructions": CANARY, "metadata": {"k": CANARY}, "worker": CANARY, "reasoning": CANARY}
    row = stored(owner, "How deep?", output="Two metres.", status=Status.COMPLETED, **fields)
    row.conversation.title = "Depths"
    row.conversation.save()
    return row


@pytest.fixture
def share(owner: User, row: Response) -> Share:
    return shared(owner, row)


def paths(share: Share, file_id: str = "file-" + "0" * 32) -> list[str]:
    return [f"/shared/{share.token}/{rest}" for rest in ("", "turns/", f"files/{file_id}/")]


def test_the_page_has_the_conversation_and_nothing_of_its_owner(client: Client, share: Share) -> None:
    reply: Any = client.get(paths(share)[0])
    assert reply.status_code == 200
    assert CANARY not in reply.content.decode()
    assert "data-owner" not in reply.content.decode()
    data = page_data(reply)
    assert data["title"] == "Depths"
    assert data["socket_path"] == f"/ws/shared/{share.token}/"
    assert data["file_path"] == f"/shared/{share.token}/files/{{id}}/"
    (turn,) = data["responses"]
    assert (turn["input"], turn["output"][-1]["content"][0]["text"]) == ("How deep?", "Two metres.")


def test_it_makes_no_guest_and_no_session(client: Client, share: Share, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    for path in paths(share):
        client.get(path)
    assert (User.objects.count(), Session.objects.count()) == (1, 0)
    assert not client.cookies


def test_a_reader_with_an_account_sees_the_same(client: Client, share: Share, stranger: User) -> None:
    without = client.get(paths(share)[0]).content
    client.force_login(stranger)
    assert client.get(paths(share)[0]).content == without


def test_no_search_engine_lists_it_and_no_site_hears_of_it(
    client: Client, owner: User, share: Share, row: Response, folder: Path
) -> None:
    file = kept(owner, PNG)
    with_file(row, file)
    for path in paths(share, file.wire_id):
        reply = client.get(path)
        assert reply.status_code == 200
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in reply.headers["X-Robots-Tag"]
        assert "private" in reply.headers["Cache-Control"]
    assert "no-store" in client.get(paths(share)[0]).headers["Cache-Control"]


def test_the_turns_are_fetched_again(client: Client, share: Share, row: Response, owner: User) -> None:
    later = stored(owner, "And now?", conversation=row.conversation, previous=row)
    reply = client.get(paths(share)[1]).json()
    assert reply["title"] == "Depths"
    assert [turn["input"] for turn in reply["responses"]] == ["How deep?", "And now?"]
    above = client.get(paths(share)[1], {"before": later.wire_id}).json()
    assert [turn["input"] for turn in above["responses"]] == ["How deep?"]
    assert client.get(paths(share)[1], {"before": "resp_1"}).status_code == 400


def test_a_file_of_a_shown_question_is_served_by_the_link_alone(
    client: Client, owner: User, share: Share, row: Response, folder: Path
) -> None:
    file, other = kept(owner, PNG, "depths.png"), kept(owner, b"another", "other.txt")
    with_file(row, file)
    reply = client.get(paths(share, file.wire_id)[2])
    assert (reply.content, reply.headers["Content-Type"]) == (PNG, "image/png")
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert client.get(paths(share, other.wire_id)[2]).status_code == 404
    assert client.get(f"/files/{file.wire_id}/").status_code == 401


def revoked(share: Share) -> None:
    revoke(share.conversation.owner_id, share.conversation_id)


def deleted(share: Share) -> None:
    share.conversation.deleted_at = timezone.now()
    share.conversation.save()


def of_nobody(share: Share) -> None:
    share.conversation.owner.delete()


@pytest.mark.parametrize("end", [revoked, deleted, of_nobody])
def test_an_ended_link_looks_like_an_unknown_one(
    client: Client, owner: User, share: Share, row: Response, folder: Path, end: Any
) -> None:
    file = kept(owner, PNG)
    with_file(row, file)
    unknown = Share(token=new_token())
    end(share)
    for path, other in zip(paths(share, file.wire_id), paths(unknown, file.wire_id), strict=True):
        ended, missing = client.get(path), client.get(other)
        assert ended.status_code == missing.status_code == 404
        assert ended.content == missing.content


def test_without_sharing_there_is_no_page_and_no_button(
    client: Client, owner: User, share: Share, row: Response, settings: Settings
) -> None:
    client.force_login(owner)
    assert b'id="share"' in client.get(row.conversation.get_absolute_url()).content
    settings.TAILRACE_SHARING = False
    assert b'id="share"' not in client.get(row.conversation.get_absolute_url()).content
    assert [client.get(path).status_code for path in paths(share)] == [404, 404, 404]


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_is_only_read(client: Client, share: Share, method: str) -> None:
    for path in paths(share):
        assert getattr(client, method)(path).status_code == 405
