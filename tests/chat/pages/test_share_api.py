"""An owner gets, creates and revokes the link of a conversation."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from chat.models import Response
from chat.pages import share_api
from chat.share_models import Share
from tests.chat.rows import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]

NONE = {"path": None, "created_at": None}


@pytest.fixture
def row(owner: User, client: Client) -> Response:
    client.force_login(owner)
    return stored(owner)


def path_of(row: Response) -> str:
    return f"{row.conversation.get_absolute_url()}share/"


@pytest.fixture
def notified(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []

    async def notify(conversation_id: Any) -> None:
        found.append(conversation_id)

    monkeypatch.setattr(share_api, "notify_readers_to_recheck", notify)
    return found


def test_a_link_is_created_once_and_revoked(client: Client, row: Response, notified: list[Any]) -> None:
    path = path_of(row)
    assert client.get(path).json() == NONE
    assert Share.objects.count() == 0
    made = client.post(path).json()
    share = Share.objects.get()
    assert made == {"path": f"/shared/{share.token}/", "created_at": share.created_at.timestamp()}
    assert client.post(path).json() == client.get(path).json() == made
    assert client.delete(path).json() == NONE
    assert client.get(made["path"]).status_code == 404
    assert notified == [row.conversation_id]
    client.delete(path)
    assert len(notified) == 1
    assert client.post(path).json()["path"] != made["path"]


@pytest.mark.parametrize("act", [Client.get, Client.post, Client.delete])
def test_it_is_the_owners_alone(
    client: Client, row: Response, stranger: User, act: Callable[..., Any], notified: list[Any]
) -> None:
    client.post(path_of(row))
    assert act(Client(), path_of(row)).status_code == 401
    other = Client()
    other.force_login(stranger)
    assert act(other, path_of(row)).status_code == 404
    assert (Share.objects.live().count(), notified) == (1, [])


def test_a_change_needs_the_token_of_our_page(owner: User, row: Response) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post(path_of(row)).status_code == strict.delete(path_of(row)).status_code == 403
    assert Share.objects.count() == 0


def test_without_sharing_no_link_is_made(client: Client, row: Response, settings: Settings) -> None:
    settings.TAILRACE_SHARING = False
    assert client.post(path_of(row)).status_code == 404
    assert Share.objects.count() == 0
