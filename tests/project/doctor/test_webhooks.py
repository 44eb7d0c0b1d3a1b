"""The check of the webhooks."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.webhook_models import Webhook
from chat.webhooks.registration import create_webhook
from project.doctor import webhooks
from project.doctor.finding import Finding, State
from tests.chat.rows import on_rows
from tests.harness.broker import Broker
from tests.project.doctor.looks import faults

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]
URL = "https://example.org/hook"


async def examined() -> list[Finding]:
    return await on_rows(webhooks.examine)  # which closes its connection


async def test_without_webhooks_there_is_no_line(broker: Broker) -> None:
    assert await examined() == []


async def test_their_queue_is_examined_and_those_that_fail_are_named(owner: User, broker: Broker) -> None:
    failing, disabled, _ = [await on_rows(create_webhook, owner, URL) for _ in range(3)]
    assert [finding.what for finding in await examined()] == ["webhooks", "queue webhooks"]
    now = timezone.now()
    await on_rows(Webhook.objects.note_failure, failing.pk, "status 500", now)
    await on_rows(Webhook.objects.note_failure, disabled.pk, "status 410", now)
    await on_rows(Webhook.objects.disable, disabled.pk, now)
    first, second, queue = found = await examined()
    faults(found)
    assert (first.state, first.what) == (State.WARNING, f"webhook {failing.wire_id}")
    assert "status 500" in first.found
    assert "disabled" in second.found
    assert queue.what == "queue webhooks"
