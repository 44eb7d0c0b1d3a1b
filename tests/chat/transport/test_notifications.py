"""Notifications: they reach the members of their group, and a lost one raises nothing."""

import asyncio
import logging
from typing import Any

import pytest
from pytest_django import Settings

from chat.transport import notifications
from chat.transport.event_log import Batch
from chat.transport.notifications import (
    WORKERS,
    cancel_message,
    events_message,
    group,
    notify_owner,
    notify_readers,
    notify_workers_to_cancel,
    owner_group,
    owner_message,
    recheck_message,
)
from project.up import ports
from tests.harness.valkey import use
from tests.harness.waiting import deadline

BATCHES = [Batch("r1", 2, ("two", "three")), Batch("r2", 7, ["seven"])]


async def received(layer: Any, channel: str) -> Any:
    return await asyncio.wait_for(layer.receive(channel), deadline())


async def test_readers_are_notified_of_their_own_response(layer: Any) -> None:
    one, two = await layer.new_channel(), await layer.new_channel()
    await layer.group_add(group("r1"), one)
    await layer.group_add(group("r2"), two)
    await notify_readers(BATCHES)
    assert await received(layer, one) == events_message("r1", 2, ["two", "three"])
    assert await received(layer, two) == events_message("r2", 7, ["seven"])


async def test_every_worker_is_notified_to_cancel(layer: Any) -> None:
    channels = [await layer.new_channel(), await layer.new_channel()]
    for channel in channels:
        await layer.group_add(WORKERS, channel)
    await notify_workers_to_cancel("r1")
    assert [await received(layer, channel) for channel in channels] == [cancel_message("r1")] * 2


def test_the_types_of_the_messages() -> None:
    assert events_message("r1", 2, ("two",)) == {
        "type": "response.events",
        "response_id": "r1",
        "first": 2,
        "events": ["two"],
    }
    assert owner_message("{}") == {"type": "conversation.changed", "frame": "{}"}
    assert recheck_message() == {"type": "session.recheck"}
    assert cancel_message("r1") == {"type": "response.cancel", "response_id": "r1"}


async def test_a_notification_that_cannot_be_sent_is_logged_and_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    closed = f"redis://127.0.0.1:{ports.pick_free()}/0"
    use(settings, closed)
    monkeypatch.setattr(notifications, "NOTIFY_SECS", 0.2)
    with caplog.at_level(logging.WARNING, "chat.transport.notifications"):
        await notify_readers(BATCHES)
    assert [record.message for record in caplog.records] == ["a notification was lost: TimeoutError"]


async def test_all_sockets_of_a_user_are_notified(layer: Any) -> None:
    channels = [await layer.new_channel(), await layer.new_channel()]
    for channel in channels:
        layer.group_join(owner_group(1), channel)
    await layer.group_add(owner_group(1), channels[0])  # waits for the subscription
    await notify_owner(1, "{}")
    assert [await received(layer, channel) for channel in channels] == [owner_message("{}")] * 2
