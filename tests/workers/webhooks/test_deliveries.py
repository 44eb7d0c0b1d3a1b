"""Deliveries: at least once, by one worker at a time, as planned."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from openai import OpenAI
from pytest_django import Settings

from chat.ids import new_id
from chat.webhook_models import Delivery, Webhook
from chat.webhooks.registration import create_webhook
from chat.webhooks.schedule import DELAYS_SECS, DISABLED_AFTER
from tests.chat.rows import on_rows
from tests.harness.receiver import Receiver, receiving
from tests.harness.waiting import await_until
from workers.webhooks import deliveries
from workers.webhooks.deliveries import AT_ONCE_EACH, Deliveries, deliver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.TAILRACE_WEBHOOK_PRIVATE = ["127.0.0.0/8"]
    with receiving() as server:
        yield server


def pending(owner: User, receiver: Receiver, attempts: int = 0) -> Delivery:
    """An event for the owner's first webhook."""
    webhook = owner.webhooks.first() or create_webhook(owner, receiver.url)
    return Delivery.objects.create(
        webhook=webhook, event=new_id(), type="response.completed", due_at=timezone.now(), attempts=attempts
    )


async def webhook_of(row: Delivery) -> Webhook:
    return await on_rows(Webhook.objects.get, pk=row.webhook_id)


async def test_an_accepted_event_arrives_signed_and_its_row_is_deleted(
    owner: User, receiver: Receiver
) -> None:
    row = await on_rows(pending, owner, receiver)
    await deliver(row.pk, 0)
    (request,) = receiver.requests
    event = OpenAI(api_key="tr_none").webhooks.unwrap(
        request.content, request.headers, secret=row.webhook.secret
    )
    assert (event.id, event.type) == (row.event_id, "response.completed")
    assert event.to_dict()["data"] == {"id": row.response_id}
    assert request.headers["webhook-id"] == row.event_id
    assert await on_rows(Delivery.objects.count) == 0


async def test_of_two_messages_for_one_attempt_one_posts(owner: User, receiver: Receiver) -> None:
    row = await on_rows(pending, owner, receiver)
    await asyncio.gather(*(deliver(row.pk, 0) for _ in range(4)))
    await deliver(row.pk, 0)
    assert len(receiver.requests) == 1


async def test_an_event_that_is_not_accepted_is_due_after_the_wait_of_its_attempt(
    owner: User, receiver: Receiver
) -> None:
    receiver.status = 500
    row = await on_rows(pending, owner, receiver)
    for attempt, secs in enumerate(DELAYS_SECS):
        begun = timezone.now()
        await deliver(row.pk, attempt)
        await on_rows(row.refresh_from_db)
        assert row.attempts == attempt + 1
        assert row.due_at >= begun + timedelta(seconds=secs)
    webhook = await webhook_of(row)
    assert (webhook.last_failure, webhook.disabled_at) == ("status 500", None)
    assert webhook.failing_since is not None
    await deliver(row.pk, len(DELAYS_SECS))
    assert await on_rows(Delivery.objects.count) == 0  # given up
    assert {request.headers["webhook-id"] for request in receiver.requests} == {row.event_id}


async def test_a_lost_worker_leaves_the_event_to_the_next_attempt(
    owner: User, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has posted, and dies before it notes that."""

    def die(*_: object) -> None:
        raise SystemExit

    row = await on_rows(pending, owner, receiver)
    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "_note", die)
        with pytest.raises(SystemExit):
            await deliver(row.pk, 0)
    await on_rows(row.refresh_from_db)
    assert timezone.now() < row.due_at <= timezone.now() + deliveries.LEASE
    await deliver(row.pk, row.attempts)
    assert [request.headers["webhook-id"] for request in receiver.requests] == [row.event_id] * 2
    assert await on_rows(Delivery.objects.count) == 0


async def test_a_success_ends_the_time_of_failures(owner: User, receiver: Receiver) -> None:
    receiver.first = [500]
    row = await on_rows(pending, owner, receiver)
    await deliver(row.pk, 0)
    assert (await webhook_of(row)).failing_since is not None
    await deliver(row.pk, 1)
    webhook = await webhook_of(row)
    assert (webhook.failing_since, webhook.last_failure) == (None, "")


@pytest.mark.parametrize(("status", "failing"), [(410, timedelta(0)), (503, DISABLED_AFTER)])
async def test_a_dead_webhook_is_disabled_and_gets_nothing_more(
    owner: User, receiver: Receiver, status: int, failing: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = status
    row, other = await on_rows(pending, owner, receiver), await on_rows(pending, owner, receiver)
    await on_rows(Webhook.objects.update, failing_since=timezone.now() - failing)
    await deliver(row.pk, 0)
    assert (await webhook_of(row)).disabled_at is not None
    assert await on_rows(Delivery.objects.count) == 0
    assert f"webhook {row.webhook.wire_id} is disabled: status {status}" in caplog.text
    assert receiver.url not in caplog.text
    await deliver(other.pk, 0)
    assert len(receiver.requests) == 1


async def test_an_enabled_webhook_begins_anew(owner: User, receiver: Receiver) -> None:
    receiver.status = 410
    row = await on_rows(pending, owner, receiver)
    await deliver(row.pk, 0)
    assert await on_rows(Webhook.objects.all().enable) == 1
    webhook = await webhook_of(row)
    assert (webhook.disabled_at, webhook.failing_since, webhook.last_failure) == (None, None, "")


@pytest.mark.parametrize("change", ["owner", "webhook", "row"])
async def test_nothing_is_posted_for_what_is_inactive_or_deleted(
    owner: User, receiver: Receiver, change: str
) -> None:
    row = await on_rows(pending, owner, receiver)
    if change == "owner":
        await on_rows(User.objects.update, is_active=False)
    elif change == "webhook":
        await on_rows(Webhook.objects.update, disabled_at=timezone.now())
    else:
        await on_rows(Webhook.objects.all().delete)
    await deliver(row.pk, 0)
    assert receiver.requests == []


async def test_a_slow_webhook_leaves_places_to_others(
    owner: User, receiver: Receiver, settings: Settings
) -> None:
    jobs = Deliveries()
    receiver.open.clear()
    slow = [await on_rows(pending, owner, receiver) for _ in range(AT_ONCE_EACH * 2)]
    for row in slow:
        assert await jobs.begin(row.pk, 0, row.webhook_id.hex)
    with receiving() as quick:
        other = await on_rows(User.objects.create_user, "other")
        row = await on_rows(pending, other, quick)
        await jobs.begin(row.pk, 0, row.webhook_id.hex)
        await await_until(lambda: bool(quick.requests), 10, "the other webhook gets its event")
    await await_until(lambda: len(receiver.requests) == AT_ONCE_EACH, 10, "the slow one has its places")
    receiver.open.set()
    await await_until(lambda: not jobs._begun, 10, "all have ended")
    assert len(receiver.requests) == len(slow)


async def test_too_many_jobs_are_dropped(
    owner: User, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MAX_BEGUN", 1)
    jobs, row = Deliveries(), await on_rows(pending, owner, receiver)
    assert await jobs.begin(row.pk, 0, "a")
    assert not await jobs.begin(row.pk + 1, 0, "b")
    await await_until(lambda: not jobs._begun, 10, "it has ended")


async def test_messages_sent_again_and_one_webhooks_many_jobs_leave_room_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released, delivered = asyncio.Event(), []

    async def hang(*name: int) -> None:
        delivered.append(name)
        await released.wait()

    monkeypatch.setattr(deliveries, "deliver", hang)
    jobs = Deliveries()
    for _ in range(2):
        begun = [await jobs.begin(number, 0, "slow") for number in range(deliveries.MAX_BEGUN_EACH)]
        assert all(begun)
    assert not await jobs.begin(0, 1, "slow")
    assert await jobs.begin(deliveries.MAX_BEGUN_EACH, 0, "other")
    released.set()
    await await_until(lambda: not jobs._begun, 10, "all have ended")
    assert len(delivered) == len(set(delivered)) == deliveries.MAX_BEGUN_EACH + 1
    assert not jobs._begun_each


async def test_without_a_database_the_attempt_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(deliveries, "deliver", refuse)
    jobs = Deliveries()
    await jobs.begin(1, 0, "a")
    await await_until(lambda: not jobs._begun, 10, "it has ended")
    assert "delivery 1 is tried again later: OSError" in caplog.text
