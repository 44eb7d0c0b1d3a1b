"""The job: a wake-up with an id in the queue of the model, or an error soon."""

import asyncio
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.catalog import QUEUE
from chat.jobs import GENERATE, QueueError, enqueue, waiting
from project.celery import app as celery_app
from project.up import ports, valkey
from tests.broker import Broker, Job
from tests.chat.rows import on_rows, stored

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_job_carries_the_id_of_its_response_and_is_named_after_it(
    owner: User, broker: Broker
) -> None:
    rows = [await on_rows(stored, owner) for _ in range(2)]
    for row in rows:
        await enqueue(row)
    assert broker.jobs() == [Job(GENERATE, str(row.pk), [str(row.pk)]) for row in rows]


async def test_a_job_waits_in_the_queue_of_its_model(
    owner: User, broker: Broker, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "models.toml"
    file.write_text('[[models]]\nname = "slow"\nbase_url = "http://slow.example"\nqueue = "patient"\n')
    settings.MODELS_FILE = str(file)
    row = await on_rows(stored, owner, model="slow")
    await enqueue(row)
    assert [job.id for job in broker.jobs("patient")] == [str(row.pk)]
    assert broker.jobs() == []


async def test_a_model_that_is_gone_does_not_lose_the_job(owner: User, broker: Broker) -> None:
    row = await on_rows(stored, owner, model="removed")  # the worker ends it and says why
    await enqueue(row)
    assert [job.id for job in broker.jobs()] == [str(row.pk)]


@pytest.mark.usefixtures("broker")
async def test_the_jobs_that_wait_are_counted(owner: User) -> None:
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
