"""Celery's signals: the worker is ready, stops or drops a revoked task."""

import gc
import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from celery.app.task import Context
from celery.signals import task_revoked, worker_ready, worker_shutdown, worker_shutting_down
from django.db import InterfaceError, OperationalError
from pytest_django import Settings
from redis import Redis

from chat.models import Response, ResponseQuerySet, Status
from chat.protocol.events import is_terminal
from chat.transport import heartbeats
from chat.transport.job_queue import GENERATE
from tests.harness.broker import Broker, Message
from tests.harness.upstream import text_of
from tests.harness.waiting import LEAST_SECS, deadline, wait_until
from tests.workers.tasks.rows import done, log_of, wait_for_text
from workers import tasks
from workers.runtime import runtime
from workers.tasks import generate, title

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Worker:
    """The sender of Celery's signals: controller, application and queues in one."""

    hostname: str = "first@host"
    concurrency: int = 3
    exitcode: int = 3
    consume_from: tuple[str, ...] = ("slow", "quick")

    @property
    def controller(self) -> "Worker":
        return self

    app = amqp = queues = controller


def test_the_worker_sends_heartbeats_from_its_ready_to_its_shutdown(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[tuple[float, int]] = []  # of this process, were it a worker
    monkeypatch.setattr(tasks, "end_within", lambda *end: ends.append(end))
    worker_ready.send(sender=Worker())

    def is_alive() -> bool:
        return bool(redis.exists(heartbeats.key(runtime.worker_id)))

    wait_until(is_alive, LEAST_SECS, "the worker sends heartbeats")
    seen = json.loads(str(redis.get(heartbeats.key(runtime.worker_id))))
    assert (seen["name"], seen["concurrency"], seen["queues"]) == ("first@host", 3, ["quick", "slow"])
    worker_shutdown.send(sender=Worker())
    assert not is_alive()
    assert ends == [(5, 3)]


def test_what_a_worker_has_loaded_is_not_looked_through_for_garbage_again() -> None:
    gc.unfreeze()  # the web side's modules did the same when they were loaded
    assert gc.get_freeze_count() == 0
    worker_ready.send(sender=Worker())
    assert gc.get_freeze_count() > 50_000  # Django, Celery, the SDK


@pytest.fixture
def handed_over(
    asked: Any, redis: Redis, celery_thread: ThreadPoolExecutor, settings: Settings, monkeypatch: Any
) -> Callable[[Any], Response]:
    """Hands over a response in the middle of its text, with this `requeue`; returns its row."""

    def hand_over(requeue: Any) -> Response:
        settings.TAILRACE_DRAIN_SECONDS = 0
        row: Response = asked("stall-after-5+times-1")
        writing = celery_thread.submit(generate, row.wire_id)
        wait_for_text(redis, row)
        assert runtime.claimed == [row.wire_id]
        monkeypatch.setattr(ResponseQuerySet, "requeue", requeue)
        worker_shutting_down.send(sender="first@host")
        assert writing.result(deadline())["status"] == "handed_over"
        row.refresh_from_db()
        return row

    return hand_over


def test_a_worker_that_stops_returns_the_response_to_the_queue(
    handed_over: Any, redis: Redis, broker: Broker
) -> None:
    row = handed_over(ResponseQuerySet.requeue)
    assert (row.status, row.worker, row.attempt) == (Status.QUEUED, "", 1)
    assert broker.jobs() == [Message(GENERATE, row.wire_id, [row.wire_id])]
    assert runtime.claimed == []
    runtime.stop()
    runtime.start()  # as another process
    assert done(row)["status"] == "completed"
    assert (row.attempt, row.output) == (2, text_of("fast"))
    events = [json.loads(event) for event in log_of(redis, row)]
    assert [event["reason"] for event in events if event["type"] == "tailrace:restarted"] == ["handed_over"]


@pytest.mark.slow
def test_a_response_is_handed_over_although_the_database_was_unavailable_for_a_moment(
    handed_over: Any, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    requeue, tries = ResponseQuerySet.requeue, itertools.count()

    def unavailable_at_first(*args: Any, **kwargs: Any) -> bool:
        if next(tries) < 10:
            raise OperationalError
        return requeue(*args, **kwargs)

    monkeypatch.setattr(tasks, "RETRY_SECS", tasks.HAND_OVER_SECS / 50)
    row = handed_over(unavailable_at_first)
    assert (row.status, row.losses, row.handed_over) == (Status.QUEUED, 0, True)
    assert broker.jobs() == [Message(GENERATE, row.wire_id, [row.wire_id])]


def test_a_response_whose_handing_over_was_not_confirmed_is_enqueued_all_the_same(
    handed_over: Any, broker: Broker
) -> None:
    requeue = ResponseQuerySet.requeue

    def unconfirmed(*args: Any, **kwargs: Any) -> bool:
        if requeue(*args, **kwargs):
            raise InterfaceError
        return False

    row = handed_over(unconfirmed)
    assert row.status == Status.QUEUED
    assert broker.jobs() == [Message(GENERATE, row.wire_id, [row.wire_id])]


def test_a_response_that_cannot_be_handed_over_is_not_ended(
    handed_over: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object, **__: object) -> bool:
        raise InterfaceError

    monkeypatch.setattr(tasks, "HAND_OVER_SECS", 0)
    row = handed_over(unavailable)
    assert row.status == Status.IN_PROGRESS  # the reaper of another worker recovers it
    assert not is_terminal(log_of(redis, row)[-1])


def test_answers_may_end_in_their_time_while_the_worker_stops(
    asked: Any, redis: Redis, celery_thread: ThreadPoolExecutor, settings: Settings
) -> None:
    settings.TAILRACE_DRAIN_SECONDS = 60
    row = asked("words-20@40")
    writing = celery_thread.submit(generate, row.wire_id)
    wait_until(lambda: len(log_of(redis, row)) > 5, LEAST_SECS, "the answer is under way")
    worker_shutting_down.send(sender="first@host")
    assert writing.result(deadline())["status"] == "completed"


def test_a_revoked_title_ends_no_response(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "end", None)  # it would be called
    task_revoked.send(sender=title, request=Context(id="0f0e6d2c-title"))


def test_a_task_that_flower_revoked_before_it_ran_ends_in_the_queue(asked: Any, redis: Redis) -> None:
    row = asked("fast")
    task_revoked.send(sender=generate, request=Context(id=row.wire_id))

    def is_cancelled() -> bool:
        row.refresh_from_db()
        return bool(row.status == Status.CANCELLED)

    wait_until(is_cancelled, LEAST_SECS, "the response has ended")
    assert done(row) == {"status": "skipped"}
    assert is_terminal(log_of(redis, row)[-1])
