"""The need of ended logs, from the rate and from their size."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import Status
from chat.transport import redis_client
from chat.transport.event_log import key
from project.doctor import logs
from project.doctor.finding import State
from tests.chat.rows import on_rows, stored

KIB, GIB = 2**10, 2**30


def test_the_need_is_the_product_of_rate_size_and_time() -> None:
    finding = logs.judged(48, [50 * KIB, 52 * KIB], 4 * GIB)
    assert finding.found == "48.0 answers/s, 51 KiB each, kept 300 s: 717 MiB"
    assert finding.state is State.OK
    assert logs.judged(48, [51 * KIB], GIB).state is State.WARNING
    assert logs.judged(0, [], GIB).state is State.OK


@pytest.mark.django_db(transaction=True)
async def test_the_logs_of_the_last_minutes_are_measured(redis_url: str) -> None:
    def rows() -> str:
        owner, now = User.objects.create_user("owner"), timezone.now()
        stored(owner, status=Status.COMPLETED, ended_at=now - timedelta(hours=1))
        return stored(owner, status=Status.COMPLETED, ended_at=now).wire_id

    recent = await on_rows(rows)
    await redis_client.client().xadd(key(recent), {"event": "x" * 10_000}, id="0-1")
    (finding,) = await on_rows(logs.examine)
    assert finding.found.startswith("0.0 answers/s, 1")
