"""Messages of deliveries: sent until the event has arrived; a queue without a worker is bounded."""

import asyncio
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.ids import new_id
from chat.transport import job_queue
from chat.transport.job_queue import WEBHOOKS
from chat.webhook_models import Delivery, Webhook
from chat.webhooks import sending
from chat.webhooks.events import TYPES
from chat.webhooks.registration import create_webhook
from chat.webhooks.sending import request_deliveries, send_due
from tests.chat.rows import on_rows
from tests.harness.broker import Broker
from tests.harness.waiting import deadline

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


def waiting(owner: User, count: int = 1, **fields: object) -> list[Delivery]:
    """Deliveries for one webhook, due since a minute, the newest first."""
    webhook = owner.webhooks.first() or create_webhook(owner, "https://example.org/hook")
    due = timezone.now() - timedelta(minutes=1)
    rows = []
    for number in range(count):
        wanted = {"due_at": due - timedelta(seconds=number)} | fields
        rows.append(Delivery.objects.create(webhook=webhook, event=new_id(), type=TYPES[0], **wanted))
    return rows


async def test_the_due_are_sent_the_oldest_first_and_not_again_at_once(owner: User, broker: Broker) -> None:
    rows = await on_rows(waiting, owner, 3)
    await on_rows(waiting, owner, due_at=timezone.now() + HOUR)
    assert await send_due() == 3
    assert [message.args[0] for message in broker.jobs(WEBHOOKS)] == [row.pk for row in reversed(rows)]
    assert await send_due() == 0
    await on_rows(Delivery.objects.filter(pk=rows[0].pk).update, due_at=timezone.now())
    assert await send_due() == 1


async def test_nothing_is_sent_for_a_disabled_webhook_or_an_inactive_owner(
    owner: User, broker: Broker
) -> None:
    await on_rows(waiting, owner)
    for model in (Webhook, User):
        field = {"disabled_at": timezone.now()} if model is Webhook else {"is_active": False}
        await on_rows(model.objects.update, **field)
        assert await send_due() == 0
        await on_rows(Webhook.objects.all().enable)
    await on_rows(User.objects.update, is_active=True)
    assert await send_due() == 1


async def test_of_workers_that_lead_at_once_one_sends(owner: User) -> None:
    rows, now, all_ready = await on_rows(waiting, owner, 20), timezone.now(), threading.Barrier(3)

    def take() -> list[Delivery]:
        all_ready.wait(deadline())
        return Delivery.objects.take_due(now, 100, now + HOUR)

    found = await asyncio.gather(*(on_rows(take) for _ in range(all_ready.parties)))
    assert sorted(row.pk for taken in found for row in taken) == [row.pk for row in rows]


async def test_a_queue_that_no_worker_serves_does_not_grow(
    owner: User, broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sending, "MAX_WAITING", 2)
    monkeypatch.setattr(sending, "SECS", deadline())
    rows = await on_rows(waiting, owner, 3)
    for row in rows:
        await request_deliveries([row])
    assert len(broker.jobs(WEBHOOKS)) == 2
    assert "no worker takes them" in caplog.text


async def test_without_a_broker_the_event_is_due_later(
    owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: str) -> int:
        raise OSError

    monkeypatch.setattr(job_queue, "waiting", refuse)
    await request_deliveries(await on_rows(waiting, owner))
    assert "delivered to webhooks later: OSError" in caplog.text


async def test_a_slow_broker_holds_up_nobody(
    owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    released = threading.Event()
    monkeypatch.setattr(sending, "SECS", 0.05)
    monkeypatch.setattr(job_queue, "waiting", lambda _: released.wait(deadline()))
    await request_deliveries(await on_rows(waiting, owner))
    released.set()
    assert "delivered to webhooks later: TimeoutError" in caplog.text
