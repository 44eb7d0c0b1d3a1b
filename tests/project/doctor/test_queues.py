"""The check of the queues, by the workers that serve them."""

import asyncio
from typing import Any

import pytest
from pytest_django import Settings
from redis import Redis

from chat.models import Response
from chat.responses.queueing import enqueue
from chat.transport import redis_client
from chat.transport.heartbeats import Heartbeats
from chat.transport.job_queue import waiting
from chat.transport.redis_keys import prefixed
from project.doctor import queues
from project.doctor.finding import Finding, State
from tests.harness.broker import Broker
from tests.project.doctor.looks import faults

OK, WARNING, ERROR = State


def worker(running: int, concurrency: int = 2, **figures: Any) -> dict[str, Any]:
    return {"running": ["r"] * running, "concurrency": concurrency, **figures}


OLD: dict[str, Any] = {"running": []}  # reports neither its concurrency nor its queues


@pytest.mark.parametrize(
    ("depth", "alive", "state"),
    [
        (0, [worker(0)], OK),
        (0, [], OK),  # the line of the workers reports it
        (1, [], ERROR),
        (2, [worker(2)], OK),
        (3, [worker(2)], WARNING),  # more than the workers can write at once
        (4, [worker(2), worker(2)], OK),
        (1, [worker(2), worker(1)], WARNING),  # one of them has room
        (1, [worker(2), worker(0, queues=["other"])], OK),  # that one serves another queue
        (1, [worker(2, queues=["slow", "q"]), worker(2, queues=["other"])], OK),
        (0, [worker(0, queues=["other"])], WARNING),
        (1, [worker(0, queues=["other"])], ERROR),
        (1, [OLD], OK),
    ],
)
def test_a_queue_is_judged_by_the_workers_that_serve_it(
    depth: int, alive: list[dict[str, Any]], state: State
) -> None:
    finding = queues.judged("q", depth, alive)
    faults([finding])
    assert finding.state is state


def test_the_remedy_names_the_queue_that_no_worker_serves() -> None:
    assert "-Q q" in queues.judged("q", 1, [worker(0, queues=["other"])]).remedy
    assert "celery -A project worker" in queues.judged("q", 1, []).remedy


async def examined() -> list[Finding]:
    return await asyncio.to_thread(queues.examine)


@pytest.mark.usefixtures("redis_url")
@pytest.mark.slow
async def test_waiting_messages_are_counted_and_stay_in_the_queue(broker: Broker) -> None:
    assert faults(await examined()) == {}
    assert await redis_client.client().keys("*") == []  # counting leaves nothing behind
    await enqueue(Response(model="demo-count"))
    await enqueue(Response(model="demo-count"))
    (finding,) = await examined()
    assert (finding.state, finding.what) == (ERROR, "queue responses")
    assert finding.found == "2 waiting, and no worker serves it"
    assert len(broker.jobs()) == 2


@pytest.mark.usefixtures("broker", "redis_url")
async def test_the_queue_of_titles_is_examined_if_a_model_writes_them(settings: Settings) -> None:
    settings.TAILRACE_TITLE_MODEL = "small"
    assert [finding.what for finding in await examined()] == ["queue responses", "queue titles"]


@pytest.mark.usefixtures("broker")
async def test_a_message_that_a_worker_takes_meanwhile_does_not_count(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Heartbeats(redis_client.client()).record("w1", worker(0))
    await enqueue(Response(model="demo-count"))

    def waiting_until_taken(queue: str) -> int:
        counted = waiting(queue)
        with Redis.from_url(redis_url) as redis:
            redis.rpop(prefixed(queue))
        return counted

    monkeypatch.setattr(queues, "HEARTBEAT_SECS", 0)
    monkeypatch.setattr(queues, "waiting", waiting_until_taken)
    assert [finding.found for finding in await examined()] == ["0 waiting"]
