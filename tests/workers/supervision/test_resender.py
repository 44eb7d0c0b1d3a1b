"""Messages of due events, by the worker that leads."""

import pytest

from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.heartbeats import Heartbeats
from workers.supervision import resender
from workers.supervision.resender import Resender


async def test_only_the_worker_that_leads_sends(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    async def send() -> int:
        sent.append("due")
        return 1

    monkeypatch.setattr(resender, "send_due", send)
    heartbeats = Heartbeats(redis_client.client())
    assert await heartbeats.lead("one")
    await Resender("another", heartbeats).look()
    assert sent == []
    await Resender("one", heartbeats).look()
    assert sent == ["due"]
