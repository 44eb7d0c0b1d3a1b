"""The check of the responses that have not ended, by the workers that have claimed them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import Response, Status
from chat.transport import redis_client
from chat.transport.heartbeats import Heartbeats
from project.doctor import responses
from project.doctor.finding import Finding, State
from tests.chat.rows import on_rows, stored
from tests.project.doctor.looks import faults

WARNING = State.WARNING
LONG_AGO = timedelta(seconds=responses.STUCK_SECS + 5)


@pytest.mark.parametrize(
    ("orphaned", "queued", "expected"),
    [
        (0, 0, {}),
        (3, 0, {"running responses": WARNING}),
        (0, 2, {"queued responses": WARNING}),
        (1, 1, {"running responses": WARNING, "queued responses": WARNING}),
    ],
)
def test_responses_without_a_worker_are_a_warning(
    orphaned: int, queued: int, expected: dict[str, State]
) -> None:
    found = responses.judged(orphaned, queued)
    assert faults(found) == expected
    assert len(found) == max(1, len(expected))


def rows(ago: timedelta) -> list[str]:
    """Store a running and a queued response of that age."""
    owner, since = User.objects.create_user(f"owner {ago}"), timezone.now() - ago
    running: dict[str, Any] = {"status": Status.IN_PROGRESS, "started_at": since}
    return [stored(owner, **running).wire_id, stored(owner, queued_at=since).wire_id]


async def examined() -> list[Finding]:
    # as the examination does it: in a thread that keeps no connection
    return await on_rows(responses.examine)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_url")
async def test_the_rows_are_compared_with_the_heartbeats() -> None:
    await on_rows(rows, timedelta(0))
    assert faults(await examined()) == {}
    running, _ = await on_rows(rows, LONG_AGO)
    assert faults(await examined()) == {"running responses": WARNING, "queued responses": WARNING}
    heartbeats = Heartbeats(redis_client.client())
    await heartbeats.record("w1", {"running": []})
    found = await examined()
    assert faults(found) == {"running responses": WARNING}
    assert found[0].found.startswith("1 run for more than 30 s")
    await heartbeats.record("w1", {"running": [running]})
    assert faults(await examined()) == {}
    await on_rows(Response.objects.all().delete)
    await heartbeats.leave("w1")
    assert faults(await examined()) == {}
