"""Announcements: only the owner's sockets get them, and a failed one fails nothing else."""

import asyncio
import json
import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from chat.conversations import announcements
from chat.conversations.announcements import announce_new, announce_response
from chat.models import Conversation, Response
from chat.responses.representation import response_object
from chat.transport.notifications import owner_group, owner_message
from tests.chat.rows import on_rows
from tests.harness.waiting import deadline

pytestmark = pytest.mark.django_db(transaction=True)


async def test_only_the_owner_is_notified_of_a_response(
    owner: User, stranger: User, response: Response, layer: Any
) -> None:
    mine, theirs = await layer.new_channel(), await layer.new_channel()
    await layer.group_add(owner_group(owner.pk), mine)
    await layer.group_add(owner_group(stranger.pk), theirs)
    await announce_response(response_object(response))
    message = await asyncio.wait_for(layer.receive(mine), deadline())
    frame = json.loads(message["frame"])
    assert message == owner_message(message["frame"])
    assert (frame["type"], frame["response"]["id"]) == ("tailrace:conversation", response.wire_id)
    assert layer.channels[theirs].empty()


async def test_a_deleted_conversation_is_not_announced(response: Response, layer: Any) -> None:
    await on_rows(Conversation.objects.all().delete)
    await announce_response(response_object(response))


async def test_without_the_database_nobody_is_notified_and_nothing_fails(
    response: Response, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable(*args: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(announcements, "change_event", unavailable)
    with caplog.at_level(logging.WARNING, "chat.conversations.announcements"):
        await announce_response(response_object(response))
    assert [record.message for record in caplog.records] == ["an owner was not notified: OperationalError"]


async def test_a_programs_conversation_is_not_announced(owner: User, response: Response, layer: Any) -> None:
    await on_rows(Conversation.objects.update, listed=False)
    await on_rows(Response.objects.update, listed=False)
    channel = await layer.new_channel()
    await layer.group_add(owner_group(owner.pk), channel)
    row = await on_rows(Response.objects.select_related("conversation").get)
    ended = response_object(row)
    await announce_new(row.conversation, ended, None)
    await announce_response(ended)
    await announcements.announce_conversation(row.conversation_id)
    assert layer.channels[channel].empty()
