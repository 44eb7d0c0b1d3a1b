"""Responses of inactive and deleted users are cancelled, and no others."""

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User

from chat.models import Response, Status
from chat.responses.representation import response_object
from chat.transport import redis_client
from chat.transport.event_log import Log, key
from chat.transport.notifications import WORKERS, cancel_message
from tests.chat.rows import on_rows, saved, stored
from tests.workers.logs import ends
from workers.supervision import withdrawal as module
from workers.supervision.withdrawal import withdraw

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stranger() -> User:
    return User.objects.create_user("stranger")


async def live(log: Log, owner: User, status: Status = Status.IN_PROGRESS) -> Response:
    row = await on_rows(stored, owner, status=status)
    await log.create(response_object(row))
    return row


@pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS])
async def test_live_responses_of_an_inactive_user_are_cancelled(
    log: Log, owner: User, stranger: User, status: Status
) -> None:
    theirs, others = await live(log, owner, status), await live(log, stranger, status)
    await on_rows(User.objects.filter(pk=owner.pk).update, is_active=False)
    await withdraw(log, [theirs.wire_id, others.wire_id])
    assert (await saved(theirs.pk)).status == Status.CANCELLED
    assert (await saved(others.pk)).status == status
    assert [len(await ends(log, row.wire_id)) for row in (theirs, others)] == [1, 0]


async def test_running_responses_are_cancelled_first(
    log: Log, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, running = await live(log, owner, Status.QUEUED), await live(log, owner)
    await on_rows(User.objects.update, is_active=False)
    monkeypatch.setattr(module, "MAX_ROWS", 1)
    await withdraw(log, [])
    assert (await saved(waiting.pk)).status == Status.QUEUED
    assert (await saved(running.pk)).status == Status.CANCELLED


@pytest.mark.parametrize("entry", ["kept", "lost", "broken"])
async def test_a_response_of_a_deleted_user_is_cancelled_and_its_log_expires(
    log: Log, owner: User, entry: str
) -> None:
    row, layer, redis = await live(log, owner), get_channel_layer(), redis_client.client()
    channel = await layer.new_channel()
    await layer.group_add(WORKERS, channel)
    await on_rows(owner.delete)
    if entry == "lost":
        await log.delete(row.wire_id)
    if entry == "broken":
        await redis.xadd(key(row.wire_id), {"event": "{"}, id="9-1")
    await withdraw(log, [row.wire_id])
    assert await layer.receive(channel) == cancel_message(row.wire_id)
    if entry == "kept":
        assert len(await ends(log, row.wire_id)) == 1
    if entry != "lost":
        assert 0 < await redis.ttl(key(row.wire_id)) <= 60


async def test_a_log_that_cannot_be_read_does_not_hold_up_the_others(
    log: Log, owner: User, stranger: User
) -> None:
    broken, readable = [await live(log, user) for user in (owner, stranger)]
    await redis_client.client().xadd(key(broken.wire_id), {"event": "{"}, id="9-1")
    await on_rows(User.objects.update, is_active=False)
    await withdraw(log, [])
    assert (await saved(broken.pk)).status == Status.IN_PROGRESS
    assert (await saved(readable.pk)).status == Status.CANCELLED
