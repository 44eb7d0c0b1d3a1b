"""Deletion of old rows by the worker that leads."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import Settings

from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.heartbeats import Heartbeats
from chat.transport.redis_keys import prefixed
from tests.chat.rows import on_rows
from workers.supervision.tidier import Tidier

pytestmark = pytest.mark.django_db(transaction=True)


def expire() -> None:
    Session.objects.create(session_key="expired", expire_date=timezone.now() - timedelta(days=1))


@pytest.fixture
async def heartbeats(log: Log) -> Heartbeats:
    return Heartbeats(redis_client.client())


async def test_old_rows_are_deleted_once_an_hour(heartbeats: Heartbeats) -> None:
    await on_rows(expire)
    await Tidier("one", heartbeats).look()
    assert await on_rows(Session.objects.count) == 0
    await on_rows(expire)
    await Tidier("one", heartbeats).look()
    assert await on_rows(Session.objects.count) == 1
    assert 0 < await redis_client.client().ttl(prefixed("tidied")) <= 3600


async def test_a_worker_that_does_not_lead_deletes_nothing(heartbeats: Heartbeats) -> None:
    await on_rows(expire)
    await heartbeats.lead("another")
    await Tidier("one", heartbeats).look()
    assert await on_rows(Session.objects.count) == 1


async def test_it_can_be_turned_off(heartbeats: Heartbeats, settings: Settings) -> None:
    settings.TAILRACE_TIDY = False
    await on_rows(expire)
    await Tidier("one", heartbeats).look()
    assert await on_rows(Session.objects.count) == 1
