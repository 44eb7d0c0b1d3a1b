"""Queueing: a message with an id in the queue of the model, or an error soon."""

import asyncio
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from chat.ids import new_id
from chat.models import Response, Status
from chat.responses import queueing
from chat.responses.model_catalog import QUEUE
from chat.responses.queueing import enqueue, position
from chat.transport.job_queue import GENERATE, QueueError, waiting
from project.celery import app as celery_app
from project.up import ports, valkey
from tests.chat.plans import planned_by_sqlite
from tests.chat.rows import on_rows, stored
from tests.harness.broker import Broker, Message

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_message_carries_the_id_of_its_response_and_is_named_after_it(
    owner: User, broker: Broker
) -> None:
    rows = [await on_rows(stored, owner) for _ in range(2)]
    for row in rows:
        await enqueue(row)
    assert broker.jobs() == [Message(GENERATE, row.wire_id, [row.wire_id]) for row in rows]


async def test_a_message_waits_in_the_queue_of_its_model(
    owner: User, broker: Broker, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "models.toml"
    file.write_text('[[models]]\nname = "slow"\nbase_url = "http://slow.example"\nqueue = "patient"\n')
    settings.TAILRACE_MODELS = str(file)
    row = await on_rows(stored, owner, model="slow")
    await enqueue(row)
    assert [message.id for message in broker.jobs("patient")] == [row.wire_id]
    assert broker.jobs() == []


async def test_a_response_of_a_removed_model_is_enqueued_too(owner: User, broker: Broker) -> None:
    row = await on_rows(stored, owner, model="removed")  # the worker ends it and says why
    await enqueue(row)
    assert [message.id for message in broker.jobs()] == [row.wire_id]


@pytest.mark.usefixtures("broker")
async def test_queued_messages_are_counted(owner: User) -> None:
    assert await asyncio.to_thread(waiting, QUEUE) == 0
    for _ in range(2):
        await enqueue(await on_rows(stored, owner))
    assert await asyncio.to_thread(waiting, QUEUE) == 2
    assert await asyncio.to_thread(waiting, "patient") == 0


@pytest.mark.usefixtures("broker")
async def test_without_a_broker_there_is_an_error(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_app.conf, "broker_url", valkey.url(ports.pick_free()))
    row = await on_rows(stored, owner)
    with pytest.raises(QueueError):
        await enqueue(row)


@pytest.fixture
def two_queues(settings: Settings, tmp_path: Path) -> None:
    """Models "a" and "b" share a queue, "slow" has its own."""
    queues = {"a": "responses", "b": "responses", "slow": "slow"}
    settings.TAILRACE_MODELS = str(tmp_path / "models.toml")
    Path(settings.TAILRACE_MODELS).write_text(
        "".join(
            f'[[models]]\nname = "{name}"\nbase_url = "http://127.0.0.1/v1"\nqueue = "{queue}"\n'
            for name, queue in queues.items()
        )
    )


@pytest.mark.usefixtures("two_queues")
def test_a_position_counts_the_earlier_responses_of_the_queue(owner: User, stranger: User) -> None:
    stored(owner, model="slow")  # another queue
    stored(owner, model="a", status=Status.IN_PROGRESS)
    stored(owner, model="a", status=Status.COMPLETED)
    waiting = [stored(owner, model="a"), stored(stranger, model="b"), stored(owner, model="a")]
    assert [position(row.wire_id) for row in waiting] == [0, 1, 2]


def test_responses_of_one_moment_have_different_positions(owner: User) -> None:
    moment = timezone.now()
    rows = [stored(owner, sent_at=moment) for _ in range(3)]
    assert sorted(position(row.wire_id) or 0 for row in rows) == [0, 1, 2]


@pytest.mark.parametrize("status", [status for status in Status if status != Status.QUEUED])
def test_a_response_that_is_not_queued_has_no_position(owner: User, status: Status) -> None:
    assert position(stored(owner, status=status).wire_id) is None
    assert position(str(new_id())) is None


@planned_by_sqlite
def test_a_position_is_found_by_an_index(owner: User) -> None:
    ahead = Response.objects.ahead_of(stored(owner), ["a"])
    assert "response_by_sending" in ahead.explain()


def test_a_position_in_a_long_queue_is_more_than_a_hundred(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "MAX_POSITION", 3)
    rows = [stored(owner) for _ in range(7)]
    assert [position(row.wire_id) for row in rows] == [0, 1, 2, 3, 4, 4, 4]


def test_a_held_response_is_behind_the_queued_ones_of_its_owner(owner: User, stranger: User) -> None:
    stored(stranger)
    stored(owner, status=Status.IN_PROGRESS)
    stored(owner)
    held = [stored(owner, sent_at=None) for _ in range(3)]
    assert [position(row.wire_id) for row in held] == [1, 2, 3]
