"""Admission: who has no user gets no channel."""

from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from pytest_django import Settings

from tests.chat.communicator import FRAME_SECS, Socket, assert_signed_out, connected, session_of
from tests.chat.rows import on_rows

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = ("/ws/responses/", "/ws/openai/")


@pytest.fixture(autouse=True)
def channels(log: object, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[str]:
    """The channels that were made."""
    settings.TAILRACE_GUESTS = False
    layer: Any = get_channel_layer()
    made: list[str] = []
    new_channel = layer.new_channel

    async def counted(*arguments: Any) -> str:
        made.append(await new_channel(*arguments))
        return made[-1]

    monkeypatch.setattr(layer, "new_channel", counted)
    return made


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_is_refused_without_a_channel(channels: list[str], path: str) -> None:
    socket = Socket(path)
    accepted, _ = await socket.connect(FRAME_SECS)
    assert (accepted, channels) == (False, [])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", ["", "?owner=1"])
async def test_a_page_whose_session_has_ended_hears_it_without_a_channel(
    owner: User, channels: list[str], path: str, query: str
) -> None:
    cookie = await on_rows(session_of, owner)
    await on_rows(Session.objects.all().delete)
    async with connected(Socket(path + query, cookie=cookie)) as socket:
        await assert_signed_out(socket)
    assert channels == []


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_of_another_user_hears_it_without_a_channel(
    owner: User, stranger: User, channels: list[str], path: str
) -> None:
    cookie = await on_rows(session_of, owner)
    async with connected(Socket(f"{path}?owner={stranger.pk}", cookie=cookie)) as socket:
        await assert_signed_out(socket)
    assert channels == []


async def test_with_guests_only_the_minimal_socket_admits_a_stranger(settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    accepted = [(await Socket(path).connect(FRAME_SECS))[0] for path in PATHS]
    assert accepted == [False, True]
