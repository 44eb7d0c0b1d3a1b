"""News: they reach the owner's sockets and nobody else's, and failing to tell them fails nothing."""

import asyncio
import json
import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from chat.conversations import announcements as news_module
from chat.conversations.announcements import announce_response
from chat.models import Conversation, Response
from chat.responses.representation import response_object
from chat.transport.notifications import owner_group, owner_message
from tests.chat.rows import on_rows

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_owner_hears_of_a_response_and_a_stranger_does_not(
    owner: User, stranger: User, response: Response, layer: Any
) -> None:
    mine, theirs = await layer.new_channel(), await layer.new_channel()
    await layer.group_add(owner_group(owner.pk), mine)
    await layer.group_add(owner_group(stranger.pk), theirs)
    await announce_response(response_object(response))
    heard = await asyncio.wait_for(layer.receive(mine), 5)
    frame = json.loads(heard["frame"])
    assert heard == owner_message(heard["frame"])
    assert (frame["type"], frame["response"]["id"]) == ("tailrace:conversation", str(response.pk))
    assert layer.channels[theirs].empty()


async def test_of_a_conversation_that_is_gone_nothing_is_told(response: Response, layer: Any) -> None:
    await on_rows(Conversation.objects.all().delete)
    await announce_response(response_object(response))


async def test_without_the_database_nobody_is_told_and_nothing_fails(
    response: Response, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*args: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(news_module, "news", away)
    with caplog.at_level(logging.WARNING, "chat.conversations.announcements"):
        await announce_response(response_object(response))
    assert [record.message for record in caplog.records] == ["an owner was not told: OperationalError"]
