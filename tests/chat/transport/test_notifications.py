"""Hints: they reach whoever is in the group, and one that is lost harms nobody."""

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
)
from project.up import ports
from tests.harness.valkey import use

BATCHES = [Batch("r1", 2, ("two", "three")), Batch("r2", 7, ["seven"])]


async def heard(layer: Any, channel: str) -> Any:
    return await asyncio.wait_for(layer.receive(channel), 5)


async def test_readers_hear_of_their_own_response(layer: Any) -> None:
    one, two = await layer.new_channel(), await layer.new_channel()
    await layer.group_add(group("r1"), one)
    await layer.group_add(group("r2"), two)
    await notify_readers(BATCHES)
    assert await heard(layer, one) == events_message("r1", 2, ["two", "three"])
    assert await heard(layer, two) == events_message("r2", 7, ["seven"])


async def test_every_worker_hears_an_order(layer: Any) -> None:
    channels = [await layer.new_channel(), await layer.new_channel()]
    for channel in channels:
        await layer.group_add(WORKERS, channel)
    await notify_workers_to_cancel("r1")
    assert [await heard(layer, channel) for channel in channels] == [cancel_message("r1")] * 2


def test_messages_name_the_method_that_takes_them() -> None:
    assert events_message("r1", 2, ("two",)) == {
        "type": "response.events",
        "response_id": "r1",
        "first": 2,
        "events": ["two"],
    }
    assert owner_message("{}") == {"type": "conversation.changed", "frame": "{}"}
    assert cancel_message("r1") == {"type": "response.cancel", "response_id": "r1"}


async def test_a_hint_that_cannot_be_sent_is_logged_and_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    closed = f"redis://127.0.0.1:{ports.pick_free()}/0"
    use(settings, closed)
    monkeypatch.setattr(notifications, "NOTIFY_SECS", 0.2)
    with caplog.at_level(logging.WARNING, "chat.transport.notifications"):
        await notify_readers(BATCHES)
    assert [record.message for record in caplog.records] == ["a hint was lost: TimeoutError"]


async def test_an_owner_hears_in_all_sockets(layer: Any) -> None:
    channels = [await layer.new_channel(), await layer.new_channel()]
    for channel in channels:
        layer.group_join(owner_group(1), channel)
    await layer.group_add(owner_group(1), channels[0])  # it is heard by now
    await notify_owner(1, "{}")
    assert [await heard(layer, channel) for channel in channels] == [owner_message("{}")] * 2
